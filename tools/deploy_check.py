"""Checks what deploy/ holds, with the programs that will read it: `make deploy-check`.

    deploy_check.py BINARY

Only the program itself is started, on a free port and a temporary folder. What is checked: hardening of the systemd units,
syntax of the proxies' configurations, Kubernetes manifests against the schema, alerts by their tests, and that everything
names the settings, roles, paths and metrics that the program has.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request

import kubernetes_validate
import yaml

import dashboards

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
MOST_EXPOSED = 2.0
KUBERNETES = "1.34"
ROLES = {"http", "worker", "bots"}
# What gcr.io/distroless/cc-debian12 has.
DISTROLESS = {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "libpthread.so.0", "libdl.so.2", "ld-linux-x86-64.so.2",
              "ld-linux-aarch64.so.1", "linux-vdso.so.1"}

faults: list[str] = []


def check(holds: bool, fault: str) -> None:
    if not holds:
        faults.append(fault)


def run(*command: str | pathlib.Path, **options) -> subprocess.CompletedProcess:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120, **options)


def settings() -> set[str]:
    """The settings that the program has, as environment variables."""
    text = (ROOT / "crates/server/src/config/default.toml").read_text()
    return {name.upper() for name in re.findall(r"^(?:# )?([a-z][a-z0-9_]*) = ", text, re.M)}


def known(name: str, where: pathlib.Path | str) -> None:
    base = name.removesuffix("_FILE")
    check(name in SETTINGS or base in SETTINGS, f"{where}: `{name}` is no setting of the program")


def units() -> None:
    for unit in sorted((DEPLOY / "systemd").glob("*.service")):
        # A program that is not installed here is no fault of the unit.
        verified = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit)
        noise = re.compile(r"/usr/bin/replyx is not executable|Failed to (?:get|open|connect)|^$")
        said = [line for line in verified.stderr.splitlines() if unit.stem.rstrip("@") in line and not noise.search(line)]
        check(not said, f"{unit.name}: {said}")
        rated = run("systemd-analyze", "security", "--offline=true", "--no-pager", unit)
        found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", rated.stdout)
        check(found is not None, f"{unit.name}: no rating: {rated.stdout[-300:]}{rated.stderr[-300:]}")
        if found:
            print(f"{unit.name}: exposure {found[1]}")
            check(float(found[1]) < MOST_EXPOSED, f"{unit.name}: exposure {found[1]} is not below {MOST_EXPOSED}")
        text = unit.read_text()
        for line in re.findall(r"^Environment=(.*)$", text, re.M):
            for assignment in line.split():
                known(assignment.split("=")[0], unit.name)
        commands = re.findall(r"/usr/bin/replyx ([^\"\n;]+)", "\n".join(re.findall(r"^ExecStart=(.*)$", text, re.M)))
        check(bool(commands), f"{unit.name}: starts nothing of ours")
        for command in commands:
            runs(command.replace("%i", "worker").split(), unit.name)
    for timer in sorted((DEPLOY / "systemd").glob("*.timer")):
        check(timer.with_suffix(".service").exists(), f"{timer.name} starts nothing")
        verified = run("systemd-analyze", "verify", "--man=no", timer)
        check(timer.name not in verified.stderr, f"{timer.name}: {verified.stderr[-500:]}")
    example = DEPLOY / "systemd/replyx.env"
    for name in re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", example.read_text(), re.M):
        known(name, example.name)


def runs(arguments: list[str], where: str) -> None:
    """Does the program know this command? It is asked for the help of it."""
    words = [word for word in arguments if not word.startswith("/") and not word.startswith("$")]
    asked = run(BINARY, *words, "--help")
    check(asked.returncode == 0, f"{where}: `replyx {' '.join(arguments)}`: {asked.stderr.strip()[:300]}")


def proxies() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        made = run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=bots.example.org", "-days", "1",
                   "-keyout", folder / "key.pem", "-out", folder / "cert.pem")
        check(made.returncode == 0, f"openssl: {made.stderr[-300:]}")
        site = (DEPLOY / "nginx/replyx.conf").read_text()
        site = re.sub(r"/etc/letsencrypt/live/[^;]*/fullchain.pem", str(folder / "cert.pem"), site)
        site = re.sub(r"/etc/letsencrypt/live/[^;]*/privkey.pem", str(folder / "key.pem"), site)
        site = site.replace("/var/log/nginx", name)
        whole = folder / "nginx.conf"
        whole.write_text(f"pid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\nhttp {{\n{site}\n}}\n")
        tested = run("nginx", "-t", "-q", "-c", whole, "-p", folder)
        warned = [line for line in tested.stderr.splitlines() if "listen ... http2" not in line]
        check(tested.returncode == 0 and not warned, f"nginx -t: {warned}")

        # It makes the folder of its log when it checks.
        site = (DEPLOY / "caddy/Caddyfile").read_text().replace("/var/log/caddy", name)
        (folder / "Caddyfile").write_text(site)
        tested = run("caddy", "validate", "--adapter", "caddyfile", "--config", folder / "Caddyfile",
                     env={"HOME": name, "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin"})
        check(tested.returncode == 0, f"caddy validate: {tested.stderr[-600:]}")
        formatted = run("caddy", "fmt", DEPLOY / "caddy/Caddyfile")
        check(formatted.stdout == (DEPLOY / "caddy/Caddyfile").read_text(), "Caddyfile: `caddy fmt` would change it")

    # What both stand on.
    document = json.loads((ROOT / "openapi.json").read_text())
    check("/api/v1/events" in document["paths"], "the proxies name /api/v1/events, which the API has not")
    streams = [path for path, operations in document["paths"].items()
               if "text/event-stream" in json.dumps(operations.get("get", {}))]
    for file in ("nginx/replyx.conf", "caddy/Caddyfile"):
        text = (DEPLOY / file).read_text()
        for path in streams:
            if "{" not in path:
                check(path in text, f"{file}: the event stream {path} is not named")


def manifests() -> None:
    objects = []
    for file in sorted((DEPLOY / "kubernetes").glob("*.yaml")):
        for one in yaml.safe_load_all(file.read_text()):
            where = f"{file.name}: {one['kind']} {one['metadata']['name']}"
            try:
                kubernetes_validate.validate(one, KUBERNETES, strict=True)
            except Exception as error:  # noqa: BLE001 - each of its errors has a class of its own
                faults.append(f"{where}: {error}")
            check(one["kind"] == "Namespace" or one["metadata"].get("namespace") == "replyx", f"{where}: no namespace")
            objects.append((where, one))

    names = {(one["kind"], one["metadata"]["name"]) for _, one in objects}
    roles = set()
    for where, one in objects:
        if one["kind"] == "ConfigMap":
            for name in one["data"]:
                known(name, where)
        if one["kind"] != "Deployment":
            continue
        pod = one["spec"]["template"]["spec"]
        check(one["spec"]["selector"]["matchLabels"].items() <= one["spec"]["template"]["metadata"]["labels"].items(),
              f"{where}: the selector does not select its pods")
        check(pod["securityContext"].get("runAsNonRoot") is True, f"{where}: may run as root")
        check(("ServiceAccount", pod["serviceAccountName"]) in names, f"{where}: no such service account")
        for container in pod["containers"]:
            context = container["securityContext"]
            check(context.get("readOnlyRootFilesystem") is True, f"{where}: its root can be written")
            check(context.get("allowPrivilegeEscalation") is False, f"{where}: privileges may grow")
            check(context.get("capabilities", {}).get("drop") == ["ALL"], f"{where}: keeps capabilities")
            runs(container["args"], where)
            roles.update(word for word in container["args"] if word in ROLES)
            for variable in container.get("env", []):
                known(variable["name"], where)
            for source in container.get("envFrom", []):
                check(("ConfigMap", source["configMapRef"]["name"]) in names, f"{where}: no such ConfigMap")
    check(roles == ROLES, f"kubernetes: the roles {sorted(ROLES - roles)} run nowhere")


def compose() -> None:
    file = DEPLOY / "docker/compose.yaml"
    whole = yaml.safe_load(file.read_text())
    roles = set()
    for name, service in whole["services"].items():
        for secret in service.get("secrets", []):
            check(secret in whole["secrets"], f"{file.name}: {name}: no secret `{secret}`")
        for volume in service.get("volumes", []):
            check(volume.split(":")[0] in whole["volumes"], f"{file.name}: {name}: no volume `{volume}`")
        for other in service.get("depends_on", {}):
            check("healthcheck" in whole["services"][other], f"{file.name}: {other} has no health check to wait for")
        if service.get("image") != "replyx":
            continue
        check(service.get("read_only") is True, f"{file.name}: {name}: its root can be written")
        check(service.get("cap_drop") == ["ALL"], f"{file.name}: {name}: keeps capabilities")
        check(not str(service.get("user", "0")).startswith("0"), f"{file.name}: {name}: runs as root")
        runs(service["command"], f"{file.name}: {name}")
        roles.update(word for word in service["command"] if word in ROLES)
        for variable in service["environment"]:
            known(variable, f"{file.name}: {name}")
    check(roles == ROLES, f"{file.name}: the roles {sorted(ROLES - roles)} run nowhere")


def image() -> None:
    """There may be no engine to build it, so what can be known without one is checked."""
    file = DEPLOY / "docker/Dockerfile"
    text = file.read_text()
    instructions = re.sub(r"\\\n", " ", text)
    final = instructions[instructions.rindex("\nFROM "):]
    check("distroless" in final, "Dockerfile: the image has more than the program")
    check(re.search(r"^USER (?!0|root)", final, re.M) is not None, "Dockerfile: runs as root")
    check("HEALTHCHECK" in final, "Dockerfile: no health check")
    for words in re.findall(r'(?:CMD|ENTRYPOINT) (\[.*\])', final):
        command = json.loads(words)
        runs([word for word in command if word != "/usr/bin/replyx"], "Dockerfile")
    for name in re.findall(r"\b([A-Z_]+)=", re.search(r"^ENV (.*)$", final, re.M)[1]):
        known(name, "Dockerfile")
    ignored = (DEPLOY / "docker/Dockerfile.dockerignore").read_text()
    for kept in re.findall(r"^!(\S+)", ignored, re.M):
        check((ROOT / kept).exists(), f"Dockerfile.dockerignore: there is no {kept}")
    # What the program loads must be in the image.
    needed = run("ldd", BINARY).stdout
    missing = {pathlib.Path(line.split()[0]).name for line in needed.splitlines() if line.strip()} - DISTROLESS
    check(not missing, f"Dockerfile: the image has no {sorted(missing)}, which the program loads")


# What Prometheus and the exporter make by themselves.
OTHERS_METRICS = {"up", "ALERTS"}
PROMQL = {"and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "offset", "bool", "le"}


def families() -> dict[str, str]:
    """The metrics that the program lists, with their kinds."""
    text = (ROOT / "crates/server/src/telemetry/families.rs").read_text()
    listed = re.findall(r'\(\s*(Counter|Gauge|Histogram),\s*"([a-z_]+)"', text)
    return {name: kind for kind, name in listed}


def used(expression: str) -> set[str]:
    """The metrics that a query asks for."""
    bare = re.sub(r'"[^"]*"', "", expression)
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]", "", bare)
    bare = re.sub(r"\b(by|without|on|ignoring)\s*\([^)]*\)", "", bare)
    names = re.findall(r"[a-zA-Z_:][a-zA-Z0-9_:]*(?!\s*[a-zA-Z0-9_:(])\b(?!\s*\()", bare)
    return {name for name in names if name not in PROMQL}


def labels(expression: str) -> tuple[set[str], set[str]]:
    """The labels that a query names, and the words that it expects in them."""
    names = set()
    words = set()
    for selector in re.findall(r"\{([^}]*)\}", expression):
        for name, word in re.findall(r'([a-z_]+)\s*(?:=|!=|=~|!~)\s*"([^"]*)"', selector):
            names.add(name)
            if name in {"outcome", "kind", "reason"}:
                words.update(word.split("|"))
    for group in re.findall(r"\bby\s*\(([^)]*)\)", expression):
        names.update(name.strip() for name in group.split(","))
    return names - {"job", "instance", "le", "severity", "alertname"}, words


@contextlib.contextmanager
def running():
    """The program on a free port; gives its address."""
    with tempfile.TemporaryDirectory() as folder:
        program = subprocess.Popen([BINARY, "serve", "--port", "0", "--data", folder], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True,
                                   env={"PATH": os.environ["PATH"], "TELEGRAM_API_URL": "http://127.0.0.1:1"})
        try:
            lines = (re.match(r"listening on (http://\S+)", line) for line in program.stdout)
            address = next((found[1] for found in lines if found), None)
            assert address, "the program did not start"
            yield address
        finally:
            program.send_signal(signal.SIGTERM)
            program.wait(timeout=30)


def observability() -> None:
    known_metrics = dict(families())
    check(len(known_metrics) > 50, "families.rs was not understood")
    with running() as address, urllib.request.urlopen(f"{address}/metrics", timeout=10) as answer:
        exposed = answer.read().decode()
    found = dict(re.findall(r"^# TYPE (\S+) (\S+)$", exposed, re.M))
    check("process_resident_memory_bytes" in found, "the program shows no metrics")
    # What every process shows, and is not in the list.
    known_metrics.update({name: kind for name, kind in found.items() if name.startswith(("process_", "replyx_"))})
    names = set(known_metrics) | {f"{name}{end}" for name, kind in known_metrics.items() if kind in {"Histogram", "histogram"}
                                  for end in ("_bucket", "_sum", "_count")} | OTHERS_METRICS
    sources = "\n".join(file.read_text() for file in ROOT.glob("crates/*/src/**/*.rs"))

    file = DEPLOY / "prometheus/alerts.yaml"
    groups = yaml.safe_load(file.read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    asked = {f"alert {rule['alert']}": [rule["expr"]] for rule in rules}
    asked.update({f"dashboard {name}": queries for name, queries in dashboards.expressions().items()})
    for where, queries in asked.items():
        for query in queries:
            missing = used(query) - names
            check(not missing, f"{where}: the program has no metric {sorted(missing)}: {query}")
            mentioned, words = labels(query)
            for word in sorted(mentioned | words):
                check(f'"{word}"' in sources, f"{where}: `{word}` is no label or word of the program: {query}")

    # That the queries themselves can be read.
    with tempfile.TemporaryDirectory() as folder:
        records = [{"record": f"dashboard:{name}:{number}", "expr": query} for name, queries in dashboards.expressions().items()
                   for number, query in enumerate(queries)]
        queries = pathlib.Path(folder) / "dashboards.yaml"
        queries.write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": records}]}))
        for command in (["check", "rules", file], ["test", "rules", DEPLOY / "prometheus/alerts.test.yaml"],
                        ["check", "rules", queries]):
            told = run("promtool", *command)
            check(told.returncode == 0, f"promtool {command[0]} {command[1]}: {told.stdout[-1500:]}{told.stderr[-1500:]}")

    pages = [rule["alert"] for rule in rules if rule["labels"]["severity"] == "page"]
    check(0 < len(pages) <= 10, f"{len(pages)} alerts page: at most ten")
    check(any(rule["labels"]["severity"] == "watchdog" for rule in rules), "there is no dead man's switch")
    runbooks = (ROOT / "docs/runbooks.md").read_text()
    tests = (DEPLOY / "prometheus/alerts.test.yaml").read_text()
    for rule in rules:
        name = rule["alert"]
        check(f"\n## {name}\n" in runbooks, f"docs/runbooks.md has nothing about {name}")
        check(rule["annotations"].get("runbook_url") == f"docs/runbooks.md#{name.lower()}", f"{name} does not name its runbook")
        check(name in tests, f"{name} has no test")
        if name in pages:
            check("for" in rule, f"{name} pages without a duration")
            check(not re.search(r"workspace|bot_id", rule["expr"]), f"{name}: no alert is about one workspace or bot")
    for name in re.findall(r"^## (Replyx\w+)$", runbooks, re.M):
        check(name in {rule["alert"] for rule in rules}, f"docs/runbooks.md tells of {name}, which is no alert")

    check(run(sys.executable, ROOT / "tools/dashboards.py", "--check").returncode == 0, "deploy/grafana is stale: python3 tools/dashboards.py")


BINARY = pathlib.Path(sys.argv[1]).resolve()
SETTINGS = settings()
for part in (units, proxies, manifests, compose, image, observability):
    part()
for fault in faults:
    print(f"deploy-check: {fault}", file=sys.stderr)
sys.exit(1 if faults else 0)
