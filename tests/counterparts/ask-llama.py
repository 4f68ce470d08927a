"""Starts llama-server, has it complete a prompt, and stops it: ask-llama.py SERVER MODEL."""

import json
import re
import subprocess
import sys
import urllib.request

server, model = sys.argv[1:]
command = [server, "--host", "127.0.0.1", "--port", "0", "-m", model, "--threads", "2", "--ctx-size", "512"]
process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
try:
    for line in process.stdout:
        print(line, end="")
        if found := re.search(r"listening on (http://[\d.:]+)", line):
            break
    else:
        sys.exit("expected a line 'listening on http://…' from llama-server")
    body = json.dumps({"prompt": "The capital of France is", "max_tokens": 4, "temperature": 0})
    request = urllib.request.Request(
        found[1] + "/v1/completions", body.encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
        usage = json.load(answer)["usage"]
    if usage["completion_tokens"] < 1:
        sys.exit(f"expected at least one generated token, got {usage}")
finally:
    process.kill()
    process.wait()
