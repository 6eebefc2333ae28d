"""Runs the program with a simulated Telegram, and schemathesis against it.

    api_check.py BINARY [OPTION..]

Nothing is waited for without a bound; the program ends with us.
"""

import http.server
import json
import os
import pathlib
import re
import selectors
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).parent
# Whoever has not answered by then is stuck.
START_SECONDS = 30
RUN_SECONDS = 600
ADMIN = ("admin@example.org", "green lantern 7")
# Limits are tested elsewhere; here they would answer instead of the operations.
LIMITS = (
    "ADDRESS HOOK_GUESSES INVITE JOBS KEY LOGIN LOGOUT METRICS PASSWORD_CHANGE PASSWORD_RESET REFRESH REGISTER RESEND RESET_MAIL "
    "UPLOAD USER"
).split()


class Telegram(http.server.BaseHTTPRequestHandler):
    """Knows every bot, and has one message for each."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        bot, _, method = self.path.removeprefix("/bot").partition("/")
        number = re.match(r"\d{1,15}", bot)
        if method == "getMe":
            number = int(number.group()) if number else 1
            result = {"id": number, "is_bot": True, "first_name": "Bot", "username": f"bot_{number}_bot"}
        elif method == "getUpdates":
            result = self.updates(bot)
        elif method.startswith("send"):
            result = {"message_id": 2, "date": int(time.time()), "chat": {"id": 7, "type": "private"}}
        else:
            result = True
        body = json.dumps({"ok": True, "result": result}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST

    def updates(self, bot):
        """One question of one customer, and silence."""
        with self.server.lock:
            is_first = bot not in self.server.asked
            self.server.asked.add(bot)
        if not is_first:
            time.sleep(20)
            return []
        person = {"id": 7, "is_bot": False, "first_name": "Ann"}
        chat = {"id": 7, "type": "private", "first_name": "Ann"}
        message = {"message_id": 1, "date": int(time.time()), "from": person, "chat": chat, "text": "How long?"}
        return [{"update_id": 1, "message": message}]

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    lock = threading.Lock()
    asked = set()

    def handle_error(self, *_):
        """The program hangs up when it ends."""


def start(binary, environment, log):
    """Starts the program; returns it and its address."""
    program = subprocess.Popen(
        [binary, "serve"], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log
    )
    waiting = selectors.DefaultSelector()
    waiting.register(program.stdout, selectors.EVENT_READ)
    line = program.stdout.readline().decode() if waiting.select(START_SECONDS) else ""
    if not line.startswith("listening on "):
        program.kill()
        sys.exit(f"the program did not start: {pathlib.Path(log.name).read_text()[-2000:]}")
    return program, line.removeprefix("listening on ").strip()


def main():
    binary, options = sys.argv[1], sys.argv[2:]
    telegram = Server(("127.0.0.1", 0), Telegram)
    threading.Thread(target=telegram.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="replyx-api-check.") as folder, open(f"{folder}/log", "wb") as log:
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "DATA_DIR": f"{folder}/data",
            "PORT": "0",
            "TELEGRAM_API_URL": f"http://127.0.0.1:{telegram.server_port}",
            # Keys of providers are made, and nobody outside is asked.
            "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
            "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
            # An account that is deleted stays in its time of grace.
            "DELETION_GRACE_DAYS": "7",
            "LOG_LEVEL": "warn",
            "MAX_REQUESTS_PER_ADDRESS": "1024",
            **{f"RATE_{name}": "1000000/1s" for name in LIMITS},
        }
        email, password = ADMIN
        subprocess.run(
            [binary, "admin", "create", email], env=environment, input=password.encode(), check=True,
            timeout=START_SECONDS, stdout=subprocess.DEVNULL,
        )
        program, base = start(binary, environment, log)
        try:
            verdict = subprocess.run(
                [
                    pathlib.Path(sys.executable).with_name("schemathesis"),
                    "--config-file", HERE / "schemathesis.toml",
                    "run", f"{base}/api/openapi.json", "--url", base, "--checks", "all", "--warnings", "off", *options,
                ],
                env={
                    **os.environ,
                    "REPLYX_BASE": base,
                    "REPLYX_ADMIN": json.dumps(ADMIN),
                    "SCHEMATHESIS_HOOKS": "schemathesis_hooks",
                    "PYTHONPATH": str(HERE),
                    "PYTHONDONTWRITEBYTECODE": "1",
                },
                cwd=folder,
                timeout=RUN_SECONDS,
                check=False,
            ).returncode
            alive = program.poll() is None
        finally:
            program.terminate()
            try:
                program.wait(15)
            except subprocess.TimeoutExpired:
                program.kill()
        problems = pathlib.Path(log.name).read_text(errors="replace")
        if verdict or not alive:
            print(problems[-4000:], file=sys.stderr)
        sys.exit(verdict if alive else "the program ended by itself")


if __name__ == "__main__":
    main()
