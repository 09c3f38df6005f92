use super::dsse::{Envelope, PAYLOAD_TYPE};
use super::{PublicKey, Signer};

const PAYLOAD: &[u8] = br#"{"_type":"https://in-toto.io/Statement/v1","x":"\u00e9\n"}"#;

/// Keys of their own for the tests: the seeds are in the open.
fn pairs() -> [(Signer, PublicKey); 2] {
    let ed25519 = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let p256 = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    let trusted = [PublicKey::Ed25519(ed25519.verifying_key()), PublicKey::P256(*p256.verifying_key())];
    let [first, second] = trusted;
    [(Signer::Ed25519(Box::new(ed25519)), first), (Signer::P256(Box::new(p256)), second)]
}

#[test]
fn an_envelope_opens_to_what_was_signed() {
    for (signer, key) in pairs() {
        let line = Envelope::sign(PAYLOAD, &signer).unwrap().line().unwrap();
        let (payload, by) = Envelope::open(&line, std::slice::from_ref(&key)).unwrap();
        assert_eq!((payload.as_slice(), by), (PAYLOAD, &key));
        assert!(line.contains(PAYLOAD_TYPE) && line.ends_with("}\n") && line.lines().count() == 1);
    }
}

#[test]
fn no_byte_of_an_envelope_can_be_changed_dropped_or_added() {
    for (signer, key) in pairs() {
        let trusted = [key];
        let line = Envelope::sign(PAYLOAD, &signer).unwrap().line().unwrap();
        let refused = |bytes: &[u8]| {
            std::str::from_utf8(bytes).map_or(true, |text| Envelope::open(text, &trusted).is_err())
        };
        assert!(!refused(line.as_bytes()));
        let body = line.trim_end();
        for at in 0..body.len() {
            let mut bytes = body.as_bytes().to_vec();
            for bit in 0..8 {
                bytes[at] ^= 1 << bit;
                assert!(refused(&bytes), "{at}: {}", String::from_utf8_lossy(&bytes));
                bytes[at] ^= 1 << bit;
            }
            for other in [b' ', b'=', b'"', b'}', b'A'] {
                let mut longer = bytes.clone();
                longer.insert(at, other);
                assert!(refused(&longer), "{at}: {}", String::from_utf8_lossy(&longer));
            }
            bytes.remove(at);
            assert!(refused(&bytes), "{at}: {}", String::from_utf8_lossy(&bytes));
        }
        assert!(refused(format!("{body} ").as_bytes()) && refused(format!("{body}{body}").as_bytes()));
    }
}

#[test]
fn only_a_trusted_key_opens_an_envelope() {
    let [(first, first_key), (second, second_key)] = pairs();
    let line = Envelope::sign(PAYLOAD, &first).unwrap().line().unwrap();
    let error = Envelope::open(&line, std::slice::from_ref(&second_key)).unwrap_err().to_string();
    assert!(error.contains("none of the trusted keys"), "{error}");
    assert!(Envelope::open(&line, &[]).is_err());
    assert!(Envelope::open(&line, &[second_key, first_key.clone()]).is_ok());

    // Somebody else's signature under a trusted key's name.
    let other = Envelope::sign(PAYLOAD, &second).unwrap().line().unwrap();
    let id = |line: &str| line.split("\"keyid\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let forged = other.replace(&id(&other), &id(&line));
    let error = Envelope::open(&forged, &[first_key]).unwrap_err().to_string();
    assert!(error.contains("the signature is not that of Ed25519 key"), "{error}");
}

#[test]
fn a_file_that_holds_no_usable_key_says_what_it_holds() {
    let dir = tempfile::TempDir::new().unwrap();
    let path = dir.path().join("key");
    let said = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let signer = Signer::load(&path).map(|_| ()).unwrap_err();
        let trusted = PublicKey::load(&path).unwrap_err();
        (format!("{signer:#}"), format!("{trusted:#}"))
    };
    let (signer, trusted) = said("nothing");
    assert!(signer.contains("openssl genpkey -algorithm ed25519"), "{signer}");
    assert!(trusted.contains("line 1: no public key in PEM or of OpenSSH"), "{trusted}");
    let (signer, trusted) =
        said("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
    assert!(signer.contains("is encrypted"), "{signer}");
    assert!(trusted.contains("this is a private key"), "{trusted}");
    assert!(said("# only a comment\n").1.contains("there is no key in it"));
    let rsa = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7 me";
    assert!(PublicKey::load(&path).is_err() && said(rsa).1.contains("line 1"));
}
