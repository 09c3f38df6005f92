use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::{Access, Address, each, hosts};
use crate::target::Output;

#[test]
fn addresses_are_read_as_ssh_reads_them_and_written_back() {
    for (text, arguments, host) in [
        ("ssh://debian@203.0.113.7:22022", "-l debian -p 22022", "203.0.113.7"),
        ("ssh://vm.example.org", "", "vm.example.org"),
        ("ssh://me@[2001:db8::7]:22", "-l me -p 22", "2001:db8::7"),
        ("ssh://[fe80::1%eth0]", "", "fe80::1%eth0"),
    ] {
        let address: Address = text.parse().unwrap();
        assert_eq!((address.arguments().join(" ").as_str(), address.host()), (arguments, host));
        assert_eq!(address.to_string(), text);
    }
    assert_eq!("me@vm:7/".parse::<Address>().unwrap().to_string(), "ssh://me@vm:7");
    assert!(Address::of(Path::new("image.qcow2")).is_none());
}

#[test]
fn what_could_be_an_option_or_a_command_is_no_address() {
    for text in [
        "ssh://-oProxyCommand=id",
        "ssh://-l@vm",
        "ssh://vm:0",
        "ssh://vm:65536",
        "ssh://vm:x",
        "ssh://",
        "ssh://@vm",
        "ssh://vm;id",
        "ssh://vm /x",
        "ssh://a b@vm",
        "ssh://[::1",
        "ssh://[::1]22",
        "ssh://$(id)@vm",
        "ssh://vm\n",
    ] {
        let error = Address::of(Path::new(text)).unwrap().unwrap_err().to_string();
        assert!(error.contains("names no machine"), "{text:?}: {error}");
    }
}

#[test]
fn a_list_of_hosts_says_which_line_is_wrong() {
    let dir = tempfile::TempDir::new().unwrap();
    let path = dir.path().join("hosts");
    std::fs::write(&path, "# ours\nssh://a:1\n\nme@b # the second\n").unwrap();
    let names: Vec<String> = hosts(&path).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["ssh://a:1", "ssh://me@b"]);
    std::fs::write(&path, "a\nb c\n").unwrap();
    assert!(hosts(&path).unwrap_err().to_string().ends_with("hosts:2"));
    std::fs::write(&path, "# none\n").unwrap();
    assert!(hosts(&path).unwrap_err().to_string().contains("names no host"));
}

#[test]
fn no_more_than_so_many_at_once_and_all_in_their_order() {
    let (now, most, heard) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(BTreeSet::new()));
    let items: Vec<usize> = (0..40).collect();
    let work = |item: &usize| {
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(3));
        now.fetch_sub(1, Ordering::SeqCst);
        item * 2
    };
    let results = each(&items, 4, work, |item, _| {
        heard.lock().unwrap().insert(*item);
    });
    assert_eq!(results, items.iter().map(|item| item * 2).collect::<Vec<_>>());
    assert_eq!(heard.lock().unwrap().len(), 40);
    assert!((2..=4).contains(&most.load(Ordering::SeqCst)));
    let none: [usize; 0] = [];
    assert_eq!(each(&none, 4, |item| *item, |_, _| {}).len(), 0);
}

#[test]
fn a_refusal_is_one_line_that_says_what_to_do() {
    let access =
        Access { arguments: Vec::new(), connecting: Duration::from_secs(1), limit: Duration::from_secs(1) };
    let address: Address = "ssh://me@vm".parse().unwrap();
    for (status, stderr, wanted) in [
        (71, "", "no sudo without a password"),
        (72, "", "no place to run"),
        (73, "", "did not arrive whole"),
        (255, "banner\nme@vm: Permission denied (publickey).", "the login was refused"),
        (255, "ssh: connect to host vm port 22: Connection refused", "nothing listens"),
        (255, "Host key verification failed.", "log in once by hand"),
        (255, "", "without a word"),
        (1, "/x: /lib/libc.so.6: version `GLIBC_2.39' not found", "needs no libraries"),
        (126, "sh: 1: /x: Exec format error", "another processor"),
        (1, "error: strange", "ended with status 1: error: strange"),
    ] {
        let line = access.refusal(&address, &Output { status, stdout: String::new(), stderr: stderr.into() });
        assert!(line.starts_with("ssh://me@vm: ") && line.contains(wanted) && !line.contains('\n'), "{line}");
    }
}
