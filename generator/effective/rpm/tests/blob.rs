//! Headers as rpm stores them, of a line for each package.

/// `name|epoch|version|release|architecture|module|files`, where `-` is none; a file is
/// `path,digest,flags,state`, and a blank parts them.
pub struct Line<'a> {
    pub name: &'a str,
    pub epoch: &'a str,
    pub version: &'a str,
    pub release: &'a str,
    pub architecture: &'a str,
    pub module: &'a str,
    pub files: Vec<[&'a str; 4]>,
}

impl<'a> Line<'a> {
    pub fn parse(line: &'a str) -> Self {
        let fields: Vec<&str> = line.split('|').collect();
        let [name, epoch, version, release, architecture, module, files] = fields[..] else {
            panic!("{line}");
        };
        let file = |text: &'a str| text.split(',').collect::<Vec<_>>().try_into().unwrap();
        let files = files.split_whitespace().map(file).collect();
        Self { name, epoch, version, release, architecture, module, files }
    }

    /// The header, with the region of what was packaged and what installation added behind it.
    pub fn header(&self) -> Vec<u8> {
        let mut region = Values::default();
        region.text(1000, self.name).text(1001, self.version).text(1002, self.release);
        if self.epoch != "-" {
            region.numbers(1003, 4, &[self.epoch.parse().unwrap()]);
        }
        if self.architecture != "-" {
            region.text(1022, self.architecture);
        }
        if !self.files.is_empty() {
            let column = |index: usize| self.files.iter().map(move |file| file[index]);
            let directory = |path: &'a str| &path[..=path.rfind('/').unwrap()];
            let mut directories: Vec<&str> = Vec::new();
            let mut indexes = Vec::new();
            for path in column(0) {
                let place = directories.iter().position(|known| *known == directory(path));
                indexes.push(place.unwrap_or(directories.len()) as u32);
                if place.is_none() {
                    directories.push(directory(path));
                }
            }
            let digests: Vec<&str> =
                column(1).map(|digest| if digest == "-" { "" } else { digest }).collect();
            let flags: Vec<u32> = column(2).map(|flags| flags.parse().unwrap()).collect();
            region.texts(1035, &digests).numbers(1037, 4, &flags).numbers(1116, 4, &indexes);
            let names: Vec<&str> = column(0).map(|path| &path[directory(path).len()..]).collect();
            region.texts(1117, &names).texts(1118, &directories);
            if digests.iter().any(|digest| digest.len() == 64) {
                region.numbers(5011, 4, &[8]);
            }
        }
        if self.module != "-" {
            region.text(5096, self.module);
        }
        let states: Vec<u32> = self.files.iter().map(|file| file[3].parse().unwrap()).collect();
        region.whole(&states)
    }
}

/// An index and its data.
#[derive(Default)]
struct Values {
    index: Vec<[u32; 4]>,
    data: Vec<u8>,
}

impl Values {
    fn add(&mut self, tag: u32, kind: u32, count: usize, bytes: &[u8]) -> &mut Self {
        let width = match kind {
            3 => 2,
            4 => 4,
            _ => 1,
        };
        self.data.resize(self.data.len().next_multiple_of(width), 0);
        self.index.push([tag, kind, self.data.len() as u32, count as u32]);
        self.data.extend(bytes);
        self
    }

    fn text(&mut self, tag: u32, text: &str) -> &mut Self {
        self.add(tag, 6, 1, format!("{text}\0").as_bytes())
    }

    fn texts(&mut self, tag: u32, texts: &[&str]) -> &mut Self {
        let bytes: String = texts.iter().map(|text| format!("{text}\0")).collect();
        self.add(tag, 8, texts.len(), bytes.as_bytes())
    }

    fn numbers(&mut self, tag: u32, kind: u32, numbers: &[u32]) -> &mut Self {
        let bytes: Vec<u8> = numbers
            .iter()
            .flat_map(|n| if kind == 1 { vec![*n as u8] } else { n.to_be_bytes().to_vec() })
            .collect();
        self.add(tag, kind, numbers.len(), &bytes)
    }

    /// Closes the region, adds the files' states behind it, and puts all together.
    fn whole(mut self, states: &[u32]) -> Vec<u8> {
        const REGION: u32 = 63;
        let entries = self.index.len() as u32 + 1;
        let place = self.data.len() as u32;
        self.index.insert(0, [REGION, 7, place, 16]);
        for number in [REGION, 7, (entries * 16).wrapping_neg(), 16] {
            self.data.extend(number.to_be_bytes());
        }
        if !states.is_empty() {
            self.numbers(1029, 1, states);
        }
        let mut blob: Vec<u8> =
            [self.index.len() as u32, self.data.len() as u32].iter().flat_map(|n| n.to_be_bytes()).collect();
        blob.extend(self.index.iter().flatten().flat_map(|n| n.to_be_bytes()));
        blob.extend(self.data);
        blob
    }
}
