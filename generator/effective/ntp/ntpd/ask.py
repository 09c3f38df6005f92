"""Starts ntpd on a configuration, asks it from many addresses, and prints what it answers: one line, `seen` and JSON."""

import json
import os
import socket
import struct
import subprocess
import sys
import time

program, config = sys.argv[1:]
clients, own = os.environ["CLIENTS"].split(), os.environ["OWN"].split()
PORT = 123
IPV6_FREEBIND = 78
# Whoever answers a request for the list wants to be shown that the request came from where it says.
NONCE, LIST = 12, 10


def run(*argv):
    subprocess.run(argv, check=True)


def tables():
    found = []
    for table in ("udp", "udp6"):
        with open("/proc/net/" + table) as lines:
            found += [line.split() for line in list(lines)[1:] if line.split()[1].endswith(":%04X" % PORT)]
    return found


def address(text):
    words = [bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text), 8)]
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return socket.inet_ntop(family, b"".join(words))


def idle(pid):
    """Whether it has read all that was sent, and waits for more."""
    with open("/proc/%d/stat" % pid) as stat:
        sleeps = stat.read().rsplit(")", 1)[1].split()[0] == "S"
    return sleeps and all(int(line[4].split(":")[1], 16) == 0 for line in tables())


def settle(pid):
    quiet = 0
    while quiet < 3:
        quiet = quiet + 1 if idle(pid) else 0
        time.sleep(0.002)


def control(opcode, text=b""):
    body = text + b"\0" * (-len(text) % 4)
    return struct.pack("!BBHHHHH", 4 << 3 | 6, opcode, 1, 0, 0, 0, len(text)) + body


def exchange(sockets, request_of, pid):
    for pair, sender in sockets.items():
        request = request_of(pair)
        if request is not None:
            sender.sendto(request, (pair[1], PORT))
    settle(pid)
    replies = {}
    for pair, sender in sockets.items():
        sender.setblocking(False)
        try:
            replies[pair] = sender.recv(4096)
        except BlockingIOError:
            replies[pair] = None
    return replies


for net in ("10.0.0.0/8", "2001:db9::/32"):
    run("ip", "route", "replace", "local", net, "dev", "lo")
# It must not touch the clock.
daemon = subprocess.Popen(
    ["setpriv", "--bounding-set=-sys_time", program, "-n", "-g", "-c", config],
    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
)
said = b""
while b"NTSc: Using system default root certificates" not in said:
    piece = os.read(daemon.stdout.fileno(), 65536)
    said += piece
    if not piece:
        print(said.decode())
        print("seen null")
        sys.exit()
os.set_blocking(daemon.stdout.fileno(), False)
settle(daemon.pid)
sockets = sorted({address(line[1].split(":")[0]) for line in tables()})
# Nothing comes from ::1 to another address.
pairs = [
    (client, to) for to in own for client in clients if (":" in client) == (":" in to) and (client != "::1" or to == "::1")
]


def senders():
    found = {}
    for pair in pairs:
        sender = socket.socket(socket.AF_INET6 if ":" in pair[0] else socket.AF_INET, socket.SOCK_DGRAM)
        if ":" in pair[0]:
            # Such an address is no interface's.
            sender.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
        # Whatever address the answer comes from, it is one.
        sender.bind((pair[0], 0))
        found[pair] = sender
    return found


asking = senders()
times = exchange(asking, lambda pair: bytes([4 << 3 | 3]) + b"\0" * 39 + os.urandom(8), daemon.pid)
nonces = exchange(asking, lambda pair: control(NONCE), daemon.pid)


def request_of_list(pair):
    nonce = nonces[pair]
    if nonce is None:
        return None
    length = struct.unpack("!H", nonce[10:12])[0]
    return control(LIST, nonce[12 : 12 + length].strip() + b", frags=4")


lists = exchange(asking, request_of_list, daemon.pid)
answers = []
for client, to in pairs:
    pair = (client, to)
    listed = lists[pair] is not None and not lists[pair][1] & 0x40 and b"addr.0" in lists[pair]
    answers.append([to, client, times[pair] is not None, nonces[pair] is not None, listed])
daemon.kill()
daemon.wait()
print("seen " + json.dumps({"sockets": sockets, "answers": answers}))
