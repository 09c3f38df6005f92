//! Pseudo-random choices for the differential tests: the same seed, the same cases.

/// A small generator of pseudo-random numbers.
pub(crate) struct Dice(u64);

impl Dice {
    /// The dice of one case, counted from anything.
    pub(crate) fn new(case: u64) -> Self {
        let mut dice = Self(case.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        dice.roll(2);
        dice
    }

    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }

    /// One of several.
    pub(crate) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }
}

/// A number from the environment, such as `IRONSEED_CASES`.
pub(crate) fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}
