use super::*;
use crate::effective::testing::MemoryTree;

fn rsyslog(text: &str) -> Rsyslog {
    read(MemoryTree::of(&[(BINARY, ""), (FILE, text)]).root()).unwrap().unwrap()
}

/// Protocol, reach and TLS of the only input.
fn input(text: &str) -> Option<(Protocol, Reach, bool)> {
    let mut inputs = rsyslog(text).inputs;
    assert!(inputs.len() < 2, "{text}");
    inputs.pop().map(|input| (input.protocol, input.reach, input.tls))
}

fn output(text: &str) -> Option<(Protocol, String, bool)> {
    let mut outputs = rsyslog(text).outputs;
    assert!(outputs.len() < 2, "{text}");
    outputs.pop().map(|output| (output.protocol, output.target, output.tls))
}

#[test]
fn inputs_of_both_syntaxes_are_found() {
    use Protocol::{Relp, Tcp, Udp};
    for (text, expected) in [
        ("module(load=\"imuxsock\")\n#module(load=\"imudp\")\n#input(type=\"imudp\" port=\"514\")\n", None),
        ("module(load=\"imudp\")\ninput(type=\"imudp\" port=\"514\")\n", Some((Udp, Reach::Network, false))),
        (
            "module(load=\"imudp\")\ninput(type=\"imudp\"\n  address=\"127.0.0.1\" port=\"514\"\n)\n",
            Some((Udp, Reach::Loopback, false)),
        ),
        ("input(type=\"imudp\" port=\"514\")\n", None),
        ("module(load=\"imudp\")\n", None),
        ("$ModLoad imudp\n$UDPServerRun 514\n", Some((Udp, Reach::Network, false))),
        (
            "$ModLoad imudp\n$UDPServerAddress 127.0.0.1\n$UDPServerRun 514\n",
            Some((Udp, Reach::Loopback, false)),
        ),
        ("$ModLoad imtcp.so\n$InputTCPServerRun 514\n", Some((Tcp, Reach::Network, false))),
        (
            "$DefaultNetstreamDriver gtls\n$ModLoad imtcp\n$InputTCPServerStreamDriverMode 1\n$InputTCPServerRun 6514\n",
            Some((Tcp, Reach::Network, true)),
        ),
        (
            "module(load=\"imtcp\" StreamDriver.Name=\"gtls\" StreamDriver.Mode=\"1\")\ninput(type=\"imtcp\" port=\"6514\")\n",
            Some((Tcp, Reach::Network, true)),
        ),
        (
            "module(load=\"imtcp\" StreamDriver.Name=\"gtls\" StreamDriver.Mode=\"0\")\ninput(type=\"imtcp\" port=\"6514\")\n",
            Some((Tcp, Reach::Network, false)),
        ),
        (
            "module(load=\"imrelp\") input(type=\"imrelp\" port=\"2514\" tls=\"on\")\n",
            Some((Relp, Reach::Network, true)),
        ),
        ("/* module(load=\"imudp\")\n*/ input(type=\"imudp\" port=\"514\")\n", None),
    ] {
        assert_eq!(input(text), expected, "{text}");
    }
}

#[test]
fn outputs_of_both_syntaxes_are_found() {
    use Protocol::{Relp, Tcp, Udp};
    let tls = "$DefaultNetstreamDriver gtls\n$ActionSendStreamDriverMode 1\n*.* @@log.example:6514\n";
    for (text, expected) in [
        ("*.* /var/log/syslog\nmail.* -/var/log/mail@x\n", None),
        ("*.* @log.example\n", Some((Udp, "log.example", false))),
        ("# *.* @log.example\n", None),
        (
            "*.*;auth.none @@(o)log.example:514;RSYSLOG_SyslogProtocol23Format\n",
            Some((Tcp, "log.example:514", false)),
        ),
        (":msg, contains, \"x # y\" @log.example # why\n", Some((Udp, "log.example", false))),
        (tls, Some((Tcp, "log.example:6514", true))),
        (&tls.replace("Mode 1", "Mode 0"), Some((Tcp, "log.example:6514", false))),
        (&tls.replace("gtls", "ptcp"), Some((Tcp, "log.example:6514", false))),
        (&tls.replace("@@", "@"), Some((Udp, "log.example:6514", false))),
        (
            "*.* action(type=\"omfwd\" target=\"h\" port=\"6514\" protocol=\"tcp\"\n StreamDriver=\"gtls\" StreamDriverMode=\"1\")\n",
            Some((Tcp, "h:6514", true)),
        ),
        (
            "global(DefaultNetstreamDriver=\"ossl\")\naction(type=\"omfwd\" target=\"h\" protocol=\"tcp\" StreamDriverMode=\"1\")",
            Some((Tcp, "h", true)),
        ),
        (
            "action(type=\"omfwd\" target=\"h\" protocol=\"tcp\" StreamDriver=\"gtls\")",
            Some((Tcp, "h", false)),
        ),
        ("action(type=\"omrelp\" target=\"h\" port=\"2514\" tls=\"on\")", Some((Relp, "h:2514", true))),
        ("action(type=\"omrelp\" target=\"h\" port=\"2514\")", Some((Relp, "h:2514", false))),
        ("*.* :omrelp:h:2514\n", Some((Relp, "h:2514", false))),
        ("if $msg contains \"(\" then { action(type=\"omfwd\" target=\"h\") }\n", Some((Udp, "h", false))),
    ] {
        let expected = expected.map(|(protocol, target, tls)| (protocol, target.to_owned(), tls));
        assert_eq!(output(text), expected, "{text}");
    }
}

#[test]
fn included_files_are_read_in_place() {
    for directive in
        ["$IncludeConfig /etc/rsyslog.d/*.conf", "include(file=\"/etc/rsyslog.d/*.conf\" mode=\"optional\")"]
    {
        let mut tree =
            MemoryTree::of(&[(BINARY, ""), (FILE, directive), ("/etc/rsyslog.d/x.conf", "\n*.* @h\n")]);
        let outputs = read(tree.root()).unwrap().unwrap().outputs;
        assert_eq!(outputs[0].at, Location::line("/etc/rsyslog.d/x.conf", 2));
        tree.write("/etc/rsyslog.d/x.conf", "$IncludeConfig /etc/rsyslog.d/\n");
        assert_eq!(read(tree.root()).unwrap().unwrap(), Rsyslog::default());
    }
    assert!(read(MemoryTree::new().root()).unwrap().is_none());
}

/// An `$IncludeConfig` of what is not there ends the reading of every file; an `include()`, or a pattern, does not.
#[test]
fn what_stands_after_a_missing_file_is_not_read() {
    for (include, outputs) in [
        ("$IncludeConfig /etc/none.conf", 0),
        ("$IncludeConfig /etc/none/", 0),
        ("$IncludeConfig /etc/none/*.conf", 1),
        ("include(file=\"/etc/none.conf\")", 1),
    ] {
        let text = "$IncludeConfig /etc/middle.conf\n*.* @h\n";
        let tree = MemoryTree::of(&[(BINARY, ""), (FILE, text), ("/etc/middle.conf", include)]);
        assert_eq!(read(tree.root()).unwrap().unwrap().outputs.len(), outputs, "{include}");
    }
}

#[test]
fn hostile_files_are_bounded() {
    let many = "action(".repeat(100_000);
    for text in [
        many.as_str(),
        "action(type=\"",
        "(((",
        "$",
        "$x",
        "é(é",
        "éaction(\"",
        "/*",
        "\"#",
        "@",
        "action(=)",
    ] {
        rsyslog(text);
    }
}
