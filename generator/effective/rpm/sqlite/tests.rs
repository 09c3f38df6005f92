use super::*;

#[test]
fn numbers_of_one_to_nine_bytes() {
    assert_eq!(varint(&[0x7f], 0).unwrap(), (0x7f, 1));
    assert_eq!(varint(&[0x81, 0x00], 0).unwrap(), (0x80, 2));
    assert_eq!(varint(&[0xff; 9], 0).unwrap(), (u64::MAX, 9));
    assert!(varint(&[0x80; 3], 0).is_err());
    assert_eq!(signed(&[0xff, 0xfe]), -2);
    assert_eq!(signed(&[0x00, 0xfe]), 254);
}

#[test]
fn what_is_no_database_is_refused() {
    assert!(matches!(Database::open(b"no", None), Err(TargetError::Unsupported(_))));
    let mut file = [MAGIC, &[0; 4080]].concat();
    assert!(Database::open(&file, None).is_err());
    file[16] = 16;
    let database = Database::open(&file, None).unwrap();
    assert!(database.table("Packages", &mut |_| Ok(())).is_err());
}
