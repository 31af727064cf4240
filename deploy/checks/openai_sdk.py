"""The OpenAI Python SDK against a running keyhold: openai_sdk.py KEYHOLD_BINARY [MODEL]

Starts the server on a free port, uses every call that README shows, and ends with exit status 1 at the first surprise.
"""

import re
import subprocess
import sys

import openai


class Server:
    """A keyhold process on a free port; stopped by SIGTERM when the block ends, which must exit with 0."""

    def __init__(self, binary, model):
        self.arguments = [binary, "serve", "--port", "0", "--log-level", "warning", "--log-format", "text"]
        if model:
            self.arguments += ["--model", model]

    def __enter__(self):
        self.process = subprocess.Popen(self.arguments, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if match := re.search(r"listening on (http://\S+)", line):
                return match.group(1)
        raise SystemExit("the server ended before it listened")

    def __exit__(self, *_):
        self.process.terminate()
        code = self.process.wait(timeout=60)
        assert code == 0, f"the server ended with status {code} after SIGTERM"


FACTS = "".join(
    f" The code of {name} is {code}."
    for name, code in [("Ann", 48213), ("Ben", 11725), ("Eva", 90344), ("Tom", 55190)]
)
QUESTION = FACTS + "\nQuestion: What is the code of Eva?\nAnswer: The code of Eva is "
BUDGET = {"kv_cache": {"policy": "keyformer", "budget_tokens": 64}}


def plain(client, model):
    answer = client.completions.create(model=model, prompt=QUESTION, max_tokens=6, temperature=0)
    assert answer.object == "text_completion" and len(answer.choices) == 1
    assert answer.usage.completion_tokens == 6 and answer.choices[0].finish_reason == "length"
    return answer.choices[0].text


def streaming(client, model, expected):
    chunks = list(
        client.completions.create(
            model=model, prompt=QUESTION, max_tokens=6, temperature=0, stream=True, stream_options={"include_usage": True}
        )
    )
    text = "".join(choice.text for chunk in chunks for choice in chunk.choices)
    assert text == expected, f"streamed {text!r}, plain {expected!r}"
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens == 6
    assert len({chunk.id for chunk in chunks}) == 1


def logprobs(client, model):
    answer = client.completions.create(model=model, prompt=QUESTION, max_tokens=4, temperature=0, logprobs=3, echo=True)
    report = answer.choices[0].logprobs
    assert len(report.tokens) == len(report.token_logprobs) == len(report.top_logprobs) == len(report.text_offset)
    assert report.token_logprobs[0] is None and all(value <= 0 for value in report.token_logprobs[1:])
    assert "".join(report.tokens).endswith(answer.choices[0].text[-1:])


def prompts(client, model):
    answer = client.completions.create(model=model, prompt=["One", "Two"], max_tokens=3, n=2, temperature=0)
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    ids = client.completions.create(model=model, prompt=[0, 300, 301], max_tokens=2, temperature=0)
    assert ids.usage.prompt_tokens == 3


def chat(client, model):
    messages = [
        {"role": "user", "content": "The code of Ann is 48213."},
        {"role": "assistant", "content": "I will remember the code."},
        {"role": "user", "content": [{"type": "text", "text": "What is the code of Ann?"}]},
    ]
    answer = client.chat.completions.create(
        model=model, messages=messages, max_completion_tokens=12, temperature=0, logprobs=True, top_logprobs=2
    )
    message = answer.choices[0].message
    assert answer.object == "chat.completion" and message.role == "assistant" and message.content
    assert all(len(token.top_logprobs) == 2 for token in answer.choices[0].logprobs.content)
    chunks = list(
        client.chat.completions.create(
            model=model, messages=messages, max_completion_tokens=12, temperature=0, stream=True
        )
    )
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == message.content


def budget(client, model):
    answer = client.completions.create(model=model, prompt=QUESTION, max_tokens=6, temperature=0, extra_body=BUDGET)
    cache = answer.usage.model_extra["kv_cache"]
    assert cache["policy"] == "keyformer" and cache["budget_tokens"] == 64, cache
    assert cache["evicted_tokens"] > 0 and cache["peak_bytes"] > 0, cache
    last = list(
        client.completions.create(
            model=model, prompt=QUESTION, max_tokens=6, temperature=0, extra_body=BUDGET, stream=True,
            stream_options={"include_usage": True},
        )
    )[-1]
    # byte_seconds is measured, everything else is promised.
    streamed = last.usage.model_extra["kv_cache"]
    assert {**streamed, "byte_seconds": 0} == {**cache, "byte_seconds": 0}, (streamed, cache)
    raw = client.completions.with_raw_response.create(model=model, prompt="Hello", max_tokens=2, extra_body=BUDGET)
    assert raw.headers["x-kv-policy"] == "keyformer" and raw.headers["x-kv-budget-tokens"] == "64"
    assert raw.headers["x-request-id"]


def sessions(client, model):
    session = client.post("/sessions", cast_to=object, body={"ttl": 600, "kv_cache": {"budget_tokens": 48}})
    messages, cached = [], []
    for text in ["The code of Ann is 48213.", "What is the code of Ann?", "Thank you."]:
        messages.append({"role": "user", "content": text})
        answer = client.chat.completions.create(
            model=model, messages=messages, max_completion_tokens=12, temperature=0,
            extra_body={"session_id": session["id"]},
        )
        messages.append({"role": "assistant", "content": answer.choices[0].message.content})
        cached.append(answer.usage.prompt_tokens_details.cached_tokens)
    assert cached[0] == 0 and cached[2] > cached[1] > 0, cached
    try:
        client.chat.completions.create(
            model=model, messages=messages[2:], extra_headers={"X-Session-ID": session["id"]}, max_completion_tokens=2
        )
        raise AssertionError("a conversation that lost its beginning was continued")
    except openai.BadRequestError as error:
        assert error.code == "session_diverged", error.body
    client.delete(f"/sessions/{session['id']}", cast_to=object)
    try:
        client.get(f"/sessions/{session['id']}", cast_to=object)
        raise AssertionError("a deleted session is still there")
    except openai.NotFoundError as error:
        assert error.code == "session_not_found", error.body


def errors(client, model):
    try:
        client.completions.create(model=model, prompt="Hello", max_tokens=2, extra_body={"kv_cache": {"budget": 1}})
        raise AssertionError("an unknown key of kv_cache was accepted")
    except openai.BadRequestError as error:
        assert error.param == "kv_cache.budget" and error.type == "invalid_request_error", error.body
    try:
        client.completions.create(model="no-such-model", prompt="Hello")
        raise AssertionError("an unknown model was accepted")
    except openai.NotFoundError as error:
        assert error.code == "model_not_found", error.body


def main():
    binary, model_path = sys.argv[1], (sys.argv[2:] or [None])[0]
    with Server(binary, model_path) as url, openai.OpenAI(base_url=url + "/v1", api_key="none", max_retries=0) as client:
        models = client.models.list().data
        assert len(models) == 1
        model = models[0].id
        assert client.models.retrieve(model).id == model
        text = plain(client, model)
        streaming(client, model, text)
        for check in (logprobs, prompts, chat, budget, sessions, errors):
            check(client, model)
    print(f"OpenAI Python SDK {openai.__version__}: all calls answered as expected")


if __name__ == "__main__":
    main()
