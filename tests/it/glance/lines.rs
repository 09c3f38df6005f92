//! Lines that break, and a service that refuses.

use super::bench::{Bench, PUBLIC, assert_settled, assert_sound};
use super::service::{SIZE, Service};
use crate::program::text;
use crate::proxy::{Fate, Proxy, Request};

fn is_upload(request: &Request) -> bool {
    request.method == "PUT" && request.path.ends_with("/file")
}

/// A fate for the first request of a kind.
fn once(is: fn(&Request) -> bool, fate: fn() -> Fate) -> impl FnMut(&Request) -> Fate + Send {
    let mut met = false;
    move |request| {
        if met || !is(request) {
            return Fate::Pass;
        }
        met = true;
        fate()
    }
}

/// Which request something happens to.
type Which = fn(&Request) -> bool;
/// What happens to it.
type What = Box<dyn Fn() -> Fate + Send + Sync>;

pub fn broken_lines_are_mended(service: &Service) {
    let name = "Broken";
    let proxy = Proxy::before(service.port);
    let bench = Bench::new(service, name).through(&proxy);
    let breaks: [(Which, fn() -> Fate); 7] = [
        (is_upload, || Fate::CutAfter(SIZE / 2)),
        (is_upload, || Fate::CutAfter(0)),
        (is_upload, || Fate::LoseAnswer),
        (|r| r.method == "POST", || Fate::LoseAnswer),
        (|r| r.method == "POST", || Fate::CutAfter(0)),
        (|r| r.method == "PATCH", || Fate::LoseAnswer),
        (|r| r.method == "GET", || Fate::Answer("503 Service Unavailable", vec![], "busy".into())),
    ];
    for (seed, (is, fate)) in breaks.into_iter().enumerate() {
        let sha256 = bench.image(seed as u8);
        proxy.decide(once(is, fate));
        bench.good(&PUBLIC);
        assert_settled(service, name, &sha256);
        assert_eq!(service.images(name).len(), seed + 1, "a build is missing or there twice");
    }
    // A line that breaks each time: an end is found, and nothing is left.
    bench.image(99);
    proxy.decide(|r| if is_upload(r) { Fate::CutAfter(1000) } else { Fate::Pass });
    let (code, said) = bench.run(&PUBLIC);
    assert_eq!((code, said.matches("; once more").count()), (2, 3), "{said}");
    assert_eq!(service.images(name).len(), 7);
}

pub fn refusals_are_clear_and_leave_nothing(service: &Service) {
    let name = "Refused";
    let proxy = Proxy::before(service.port);
    let bench = Bench::new(service, name).through(&proxy);
    let first = bench.image(1);
    bench.good(&PUBLIC);
    bench.image(2);
    let page = |status: &'static str, why: &str| {
        Fate::Answer(
            status,
            vec![],
            format!("<html><title>{status}</title><body><h1>{status}</h1>{why}<br /></body>"),
        )
    };
    let cases: [(Which, What, &str); 6] = [
        (
            |r| r.method == "POST",
            Box::new(move || page("403 Forbidden", "No images.")),
            "403 Forbidden: 403 Forbidden No images.",
        ),
        (
            is_upload,
            Box::new(move || page("409 Conflict", "It&#x27;s there.")),
            "409 Conflict: 409 Conflict It's there.",
        ),
        (is_upload, Box::new(move || page("413 Request Entity Too Large", "Quota.")), "Quota."),
        (|r| r.method == "POST", Box::new(move || page("500 Internal Server Error", "Boom.")), "Boom."),
        (is_upload, Box::new(|| Fate::Corrupt), "Glance holds something else than was sent"),
        (
            |r| r.method == "PATCH" && text(&r.body).contains("\"public\""),
            Box::new(move || page("403 Forbidden", "You may not publicize.")),
            "You may not publicize.",
        ),
    ];
    for (is, fate, wanted) in cases {
        let mut met = false;
        proxy.decide(move |request| {
            let now = !met && is(request);
            met |= now;
            if now { fate() } else { Fate::Pass }
        });
        let (code, said) = bench.run(&PUBLIC);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(wanted), "wanted {wanted:?}: {said}");
        // The older build is public as it was, also where it had given way already.
        let public = service.image(name, "1");
        assert_eq!(
            (&public["visibility"], &public["name"]),
            (&"public".into(), &format!("NeCTAR {name}").into())
        );
        assert_eq!(public["ironseed_sha256"], first.as_str());
        let whole = service.images(name).iter().filter(|i| i["status"] != "active").count();
        assert_eq!(whole, 0, "{said}");
        if said.contains("publicize") {
            let waits = service.images(name).iter().any(|i| said.contains(i["name"].as_str().unwrap()));
            assert!(waits && said.contains("waits for the next run"), "{said}");
        }
    }
    // A half image that can't be deleted is named for what it is, and goes with the next run.
    let sha256 = bench.image(3);
    proxy.decide(move |request| match request.method.as_str() {
        "DELETE" => page("403 Forbidden", "Kept."),
        _ if is_upload(request) => page("409 Conflict", "No."),
        _ => Fate::Pass,
    });
    let (code, said) = bench.run(&PUBLIC);
    assert!(code == 2 && said.contains("is left behind, private and named ironseed-incomplete-"), "{said}");
    assert_sound(service, name);
    proxy.decide(|_| Fate::Pass);
    bench.good(&PUBLIC);
    let images = service.images(name);
    assert!(images.iter().all(|i| i["status"] == "active"), "{images:#?}");
    assert_eq!(
        images.iter().find(|i| i["visibility"] == "public").unwrap()["ironseed_sha256"],
        sha256.as_str()
    );
}
