"""The Grafana dashboards of deploy/grafana: this file is the one place they are made from.

    dashboards.py           writes them
    dashboards.py --check   fails when what is committed is something else
"""

from __future__ import annotations

import json
import pathlib
import sys

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "deploy/grafana"
JOB = 'job="$job",instance=~"$instance"'


def rate(metric: str, by: str = "", where: str = "") -> str:
    grouped = f" by ({by})" if by else ""
    return f"sum{grouped} (rate({metric}{{{JOB}{',' + where if where else ''}}}[$__rate_interval]))"


def quantile(share: float, metric: str, by: str = "", where: str = "") -> str:
    grouped = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, {rate(metric + '_bucket', grouped, where)})"


def gauge(metric: str, of: str = "sum", by: str = "") -> str:
    grouped = f" by ({by})" if by else ""
    return f"{of}{grouped} ({metric}{{{JOB}}})"


def spread(metric: str, by: str = "") -> list[tuple[str, str]]:
    """The median and the slowest twentieth of a histogram."""
    legend = f"{{{{{by}}}}} " if by else ""
    return [(quantile(share, metric, by), f"{legend}p{round(share * 100)}") for share in (0.5, 0.95)]


# Title, unit, what it says, and its queries with their legends. A string begins a row.
DASHBOARDS = {
    "overview": ("ReplyX: overview", "What customers and people who work with the API feel.", [
        "Answers",
        ("Turns by outcome", "ops", "Answered, unknown, fallback, failed. What fails is tried again.",
         [(rate("turns_total", "outcome"), "{{outcome}}")]),
        ("Time of a turn", "s", "From its start to the stored reply.", spread("turn_duration_seconds")),
        ("Replies delivered", "ops", "By outcome. Canceled: a human took over first.",
         [(rate("deliveries_total", "outcome"), "{{outcome}}")]),
        ("Checked answers", "ops", "Against their sources, by outcome.", [(rate("answer_checks_total", "outcome"), "{{outcome}}")]),
        "API",
        ("Requests by status", "reqps", "All routes.", [(rate("http_requests_total", "status"), "{{status}}")]),
        ("Time to answer", "s", "All routes.", spread("http_request_duration_seconds")),
        ("Slowest routes", "s", "The 95th percentile of the ten slowest.",
         [(f"topk(10, {quantile(0.95, 'http_request_duration_seconds', 'path')})", "{{path}}")]),
        ("Requests refused by a limit", "ops", "429, by limit.", [(rate("rate_limited_total", "limit"), "{{limit}}")]),
        ("Event streams", "short", "Open now.", [(gauge("sse_connections", by="instance"), "{{instance}}")]),
        ("Event streams ended", "ops", "By reason.", [(rate("streams_ended_total", "reason"), "{{reason}}")]),
    ]),
    "telegram": ("ReplyX: Telegram", "Updates, sends and limits.", [
        "Bots",
        ("Bots", "short", "How many should run, and how many do.",
         [(gauge("telegram_total_bots", "max"), "should run"), (gauge("telegram_bots_running"), "running"),
          (gauge("telegram_bots_left"), "left to others")]),
        ("Updates", "ops", "Received, by outcome.", [(rate("updates_total", "outcome"), "{{outcome}}")]),
        ("Polls that failed", "ops", "By kind.", [(rate("telegram_bot_poll_errors_total", "kind"), "{{kind}}")]),
        ("Updates not taken", "ops", "By reason.", [(rate("updates_ignored_total", "reason"), "{{reason}}")]),
        "Sends",
        ("Sends", "ops", "By outcome.", [(rate("telegram_bot_sends_total", "outcome"), "{{outcome}}")]),
        ("Time of a send", "s", "One call of the Bot API.", spread("telegram_bot_send_duration_seconds")),
        ("Limits", "ops", "Telegram's 429, and sends that waited for our own limits.",
         [(rate("telegram_bot_rate_limit_hits_total"), "429"), (rate("telegram_bot_rate_limit_waits_total"), "waits")]),
        ("Uncertain sends", "ops", "May or may not have arrived: the connection broke.",
         [(rate("telegram_bot_uncertain_sends_total"), "uncertain")]),
        ("Files of customers", "ops", "Fetched, by outcome.", [(rate("telegram_bot_files_total", "outcome"), "{{outcome}}")]),
    ]),
    "models": ("ReplyX: models and search", "What answers are made of.", [
        "Models",
        ("Attempts", "ops", "By provider and outcome.", [(rate("model_requests_total", "provider, outcome"), "{{provider}} {{outcome}}")]),
        ("Time of an attempt", "s", "By provider.", spread("model_request_duration_seconds", "provider")),
        ("First token", "s", "By provider.", spread("model_first_token_seconds", "provider")),
        ("Tokens", "short", "Per second, by provider and kind.", [(rate("model_tokens_total", "provider, kind"), "{{provider}} {{kind}}")]),
        ("Waiting for a place", "short", "Calls now.", [(gauge("model_admission_waiting"), "waiting")]),
        ("Breakers", "short", "0 closed, 1 open.", [(gauge("model_breaker_open", "max", "provider"), "{{provider}}")]),
        ("Failovers", "ops", "From one provider to another.", [(rate("model_failovers_total", "from, to"), "{{from}} to {{to}}")]),
        ("Calls not made", "ops", "By reason.", [(rate("model_calls_refused_total", "reason"), "{{reason}}")]),
        "Search",
        ("Time to search", "s", "By way.", spread("search_duration_seconds", "way")),
        ("Searches by words alone", "ops", "By reason.", [(rate("search_without_vectors_total", "reason"), "{{reason}}")]),
        ("Questions embedded", "s", "Time of one.", spread("query_embedding_seconds")),
        ("Passages embedded", "ops", "Per second.", [(rate("passages_embedded_total"), "passages")]),
    ]),
    "system": ("ReplyX: processes and stores", "Database, Redis, disk, jobs and processes.", [
        "Database and Redis",
        ("Connections in use", "short", "And the most there may be.",
         [(gauge("db_pool_checked_out", by="instance"), "{{instance}} in use"), (gauge("db_pool_size", by="instance"), "{{instance}} most")]),
        ("The database takes writes", "short", "1 yes, 0 no.", [(gauge("database_takes_writes", "min", "instance"), "{{instance}}")]),
        ("Redis answers", "short", "1 yes, 0 no.", [(gauge("redis_available", "min", "instance"), "{{instance}}")]),
        ("Transactions done again", "ops", "After the database undid them.", [(rate("requests_repeated_total"), "repeated")]),
        ("Clock against the database", "s", "By process.", [(gauge("clock_ahead_of_database_seconds", "max", "instance"), "{{instance}}")]),
        "Disk",
        ("Free on the disk of DATA_DIR", "bytes", "By process.", [(gauge("data_dir_free_bytes", "min", "instance"), "{{instance}}")]),
        ("Store of large files", "ops", "Operations, by outcome.",
         [(rate("file_store_operations_total", "operation, outcome"), "{{operation}} {{outcome}}")]),
        "Jobs",
        ("Jobs", "ops", "By kind and outcome, but for those that ended well.",
         [(rate("jobs_total", "kind, outcome", 'outcome!="done"'), "{{kind}} {{outcome}}")]),
        ("Time of a job", "s", "The 95th percentile, by kind.", [(quantile(0.95, "job_duration_seconds", "kind"), "{{kind}}")]),
        ("Mail", "ops", "By outcome.", [(rate("mails_total", "outcome"), "{{outcome}}")]),
        "Processes",
        ("Memory", "bytes", "Resident.", [(gauge("process_resident_memory_bytes", by="instance"), "{{instance}}")]),
        ("Processor", "percentunit", "1 is one core.", [(rate("process_cpu_seconds_total", "instance"), "{{instance}}")]),
        ("Open files", "short", "Of each process.", [(gauge("process_open_fds", by="instance"), "{{instance}}")]),
        ("Versions", "short", "Processes of each version.", [(gauge("replyx_build_info", "count", "version"), "{{version}}")]),
    ]),
}

WIDTH, HEIGHT = 12, 8


def panels(parts: list) -> list[dict]:
    made: list[dict] = []
    x = y = 0
    for number, part in enumerate(parts, start=1):
        if isinstance(part, str):
            y += HEIGHT if x else 0
            made.append({"id": number, "type": "row", "title": part, "collapsed": False, "panels": [],
                         "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}})
            x, y = 0, y + 1
            continue
        title, unit, description, queries = part
        made.append({
            "id": number, "type": "timeseries", "title": title, "description": description,
            "datasource": {"type": "prometheus", "uid": "${source}"},
            "gridPos": {"x": x, "y": y, "w": WIDTH, "h": HEIGHT},
            "fieldConfig": {"defaults": {"unit": unit, "min": 0 if unit != "s" else None,
                                         "custom": {"fillOpacity": 8, "showPoints": "never"}}, "overrides": []},
            "options": {"legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]},
                        "tooltip": {"mode": "multi", "sort": "desc"}},
            "targets": [{"refId": chr(ord("A") + place), "expr": query, "legendFormat": legend,
                         "datasource": {"type": "prometheus", "uid": "${source}"}}
                        for place, (query, legend) in enumerate(queries)],
        })
        x += WIDTH
        if x == 24:
            x, y = 0, y + HEIGHT
    return made


def variable(name: str, label: str, query: str, several: bool) -> dict:
    return {"name": name, "label": label, "type": "query", "datasource": {"type": "prometheus", "uid": "${source}"},
            "query": {"query": query, "refId": name}, "refresh": 2, "sort": 1, "multi": several, "includeAll": several,
            "allValue": ".*" if several else None, "current": {"text": "All", "value": "$__all"} if several else {}}


def dashboard(name: str) -> str:
    title, description, parts = DASHBOARDS[name]
    whole = {
        "uid": f"replyx-{name}", "title": title, "description": description, "tags": ["replyx"],
        "schemaVersion": 39, "version": 1, "editable": True, "graphTooltip": 1, "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"}, "timezone": "browser",
        "links": [{"type": "dashboards", "tags": ["replyx"], "title": "ReplyX", "asDropdown": True, "includeVars": True,
                   "keepTime": True}],
        "templating": {"list": [
            {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus", "current": {}},
            variable("job", "Job", "label_values(replyx_build_info, job)", several=False),
            variable("instance", "Process", 'label_values(replyx_build_info{job="$job"}, instance)', several=True),
        ]},
        "panels": panels(parts),
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def expressions() -> dict[str, list[str]]:
    """The queries of each dashboard, with Grafana's variables filled in."""
    found = {}
    for name, (_, _, parts) in DASHBOARDS.items():
        queries = [query for part in parts if not isinstance(part, str) for query, _ in part[3]]
        found[name] = [query.replace("$__rate_interval", "5m").replace("$job", "replyx").replace("$instance", ".*")
                       for query in queries]
    return found


def main() -> int:
    stale = 0
    wanted = {FOLDER / f"{name}.json": dashboard(name) for name in DASHBOARDS}
    for file in set(FOLDER.glob("*.json")) - set(wanted):
        stale += 1
        print(f"{file.name} is not made by tools/dashboards.py", file=sys.stderr)
    for file, text in wanted.items():
        if "--check" not in sys.argv:
            file.write_text(text)
        elif not file.exists() or file.read_text() != text:
            stale += 1
            print(f"{file.name} is stale: python3 tools/dashboards.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
