"""A door with TLS before a service of the loopback: tls.py PORT SERVICE CERTIFICATE KEY"""

import socket
import ssl
import sys
import threading

port, service, certificate, key = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)


def pump(source, sink):
    try:
        while block := source.recv(65536):
            sink.sendall(block)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(outside):
    try:
        outside = context.wrap_socket(outside, server_side=True)
        inside = socket.create_connection(("127.0.0.1", int(service)))
    except OSError:
        return
    threading.Thread(target=pump, args=(inside, outside), daemon=True).start()
    pump(outside, inside)


with socket.create_server(("127.0.0.1", int(port))) as listener:
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
