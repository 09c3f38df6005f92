"""Runs one program after another where it can do no harm: in namespaces of its own.

Reads one question a line (JSON), answers each with one line (JSON); see lab.rs for their fields.
It is the first process of its own process namespace, so that nothing it started outlives a question.
"""

import ipaddress
import json
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time

# Bytes of a program's words that are read.
MOST = 1 << 20


def run(*argv):
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def prepare():
    # What is written below these is forgotten at the end.
    os.makedirs("/dev/shm", exist_ok=True)
    run("mount", "-t", "tmpfs", "lab", "/dev/shm")
    for folder in ("/etc", "/var", "/run", "/usr"):
        layers = {name: "/dev/shm/%s%s" % (name, folder) for name in ("upperdir", "workdir")}
        for layer in layers.values():
            os.makedirs(layer)
        options = ",".join(["lowerdir=" + folder] + ["%s=%s" % layer for layer in layers.items()])
        run("mount", "-t", "overlay", "lab", "-o", options, folder)
    # An address of each family that is no loopback.
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1")
    for device in ("v0", "v1"):
        # Its own link-local address is late, and differs from run to run.
        run("ip", "link", "set", device, "addrgenmode", "none")
        run("ip", "link", "set", device, "up")
    run("ip", "address", "add", "192.0.2.1/24", "dev", "v0")
    run("ip", "address", "add", "2001:db8::1/64", "dev", "v0", "nodad")
    # Senders of another network, of which no interface has an address.
    run("ip", "route", "add", "local", "198.51.100.0/24", "dev", "lo")


def lay_out(question):
    """Puts the case's files in the place of those of the last one."""
    for path in question["cleared"]:
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.unlink(path)
    if question["files"]:
        shutil.copytree(question["files"], "/", symlinks=True, dirs_exist_ok=True)


def address(text):
    """An address of /proc/net: words of four bytes, each in the machine's order."""
    words = [bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text), 8)]
    return str(ipaddress.ip_address(b"".join(words)))


def sockets():
    """Every socket that waits for others: [protocol, address, port]."""
    found = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        with open("/proc/net/" + table) as lines:
            for line in list(lines)[1:]:
                _, local, remote, state = line.split()[:4]
                if remote.split(":")[1] == "0000" and state in ("0A", "07"):
                    where, port = local.split(":")
                    found.add((table[:3], address(where), int(port, 16)))
    return sorted(found)


def probe(questions, seconds):
    """Sends datagrams (hexadecimal), each from one address to another; the answers, or nulls."""
    waiting, replies = {}, [None] * len(questions)
    for index, question in enumerate(questions):
        family = socket.AF_INET6 if ":" in question["from"] else socket.AF_INET
        sender = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sender.bind((question["from"], 0))
            sender.connect((question["to"], question["port"]))
            sender.send(bytes.fromhex(question["datagram"]))
            waiting[sender] = index
        except OSError:
            sender.close()
    end = time.monotonic() + seconds
    while waiting and time.monotonic() < end:
        for sender in select.select(list(waiting), [], [], max(0, end - time.monotonic()))[0]:
            index = waiting.pop(sender)
            try:
                replies[index] = sender.recv(4096).hex()
            except OSError:
                pass
            sender.close()
    for sender in waiting:
        sender.close()
    return replies


def said(output):
    """What was written so far. The program writes at the file's position, so that must not move."""
    return os.pread(output.fileno(), MOST, 0)


def wait(process, output, ready, seconds):
    """Until the program ends, or says that it's ready, or time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        if ready is not None:
            if re.search(ready.encode(), said(output)):
                return
        time.sleep(0.003)


def clean():
    try:
        os.kill(-1, 9)
    except ProcessLookupError:
        pass
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass


def answer(question):
    lay_out(question)
    with tempfile.TemporaryFile(dir="/dev/shm") as output:
        process = subprocess.Popen(
            question["argv"], stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            env={"PATH": os.environ["PATH"], **question["environment"]},
        )
        wait(process, output, question["ready"], question["seconds"])
        code = process.poll()
        found = sockets()
        replies = probe(question["probes"], question["patience"]) if code is None else []
        process.kill()
        process.wait()
        clean()
        text = said(output).decode("utf-8", "replace")
    return {"code": code, "output": text, "sockets": found, "replies": replies}


prepare()
print("ready", flush=True)
for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
