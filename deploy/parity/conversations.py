"""Conversations for every template: plain ones, odd ones, and ones that templates refuse."""

TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}


def system(text):
    return {"role": "system", "content": text}


def user(text):
    return {"role": "user", "content": text}


def assistant(text, **more):
    return {"role": "assistant", "content": text, **more}


def call(name, arguments, identity="abcdefghi"):
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


def tool(text, identity="abcdefghi", **more):
    return {"role": "tool", "tool_call_id": identity, "content": text, **more}


WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather at a place. Knows \"now\" & <later>, and it's free.",
        "parameters": {
            "type": "object",
            "properties": {
                "place": {"type": "string", "description": "City, e.g. Zürich 🏔"},
                "days": {"type": "integer", "description": " How many days ", "minimum": 1},
                "scale": {"type": ["string", "null"], "enum": ["c", "f", None], "description": "Scale"},
                "exact": {"type": "boolean", "default": False, "description": "Digits"},
            },
            "required": ["place"],
        },
    },
}
CLOCK = {
    "type": "function",
    "function": {
        "name": "clock", "description": "The time.",
        "parameters": {"type": "object", "properties": {}},
        "return": {"type": "string", "description": "HH:MM"},
    },
}

CONVERSATIONS = {
    "one question": {"messages": [user("What is 2 + 2?")]},
    "no generation prompt": {"messages": [user("Hi"), assistant("Hello.")], "add_generation_prompt": False},
    "system": {"messages": [system("Be brief."), user("Hi")]},
    "several turns": {"messages": [system("S"), user("a"), assistant("b"), user("c"), assistant("d"), user("e")]},
    "ends with the assistant": {"messages": [user("a"), assistant("b")]},
    "spaces around": {"messages": [system("  S\n"), user("\n\t Hi \u00a0"), assistant("  ok  "), user(" x ")]},
    "empty contents": {"messages": [system(""), user(""), assistant(""), user("")]},
    "no messages": {"messages": []},
    "unicode": {"messages": [user("Grüße, 世界! 👩‍🚀 e\u0301 \u200b\ufeff \U0001F1E9\U0001F1EA ß ﬁ"), assistant("ʼn ǅ"), user("İ")]},
    "quotes and braces": {"messages": [user("\"'\\ {{ x }} {% if %} {# c #} </s><|im_end|>\u0007\u007f\u2028")]},
    "lines": {"messages": [user("a\r\nb\rc\n\nd\u000b\u000c"), assistant("\n\n"), user("\n")]},
    "numbers as text": {"messages": [user("007"), assistant("1e5"), user(" 42 ")]},
    "two users": {"messages": [user("a"), user("b")]},
    "two assistants": {"messages": [user("a"), assistant("b"), assistant("c"), user("d")]},
    "assistant first": {"messages": [assistant("a"), user("b")]},
    "system late": {"messages": [user("a"), assistant("b"), system("c"), user("d")]},
    "two systems": {"messages": [system("a"), system("b"), user("c")]},
    "system alone": {"messages": [system("a")]},
    "unknown role": {"messages": [user("a"), {"role": "wizard", "content": "b"}]},
    "no role": {"messages": [{"content": "a"}]},
    "no content": {"messages": [{"role": "user"}]},
    "null content": {"messages": [{"role": "user", "content": None}]},
    "named": {"messages": [{"role": "user", "name": "Ann", "content": "a"}]},
    "thinking": {"messages": [user("a"), assistant("<think>\nhm\n</think>\n\nb"), user("c")]},
    "reasoning apart": {"messages": [user("a"), assistant("b", reasoning_content="hm\n"), user("c")]},
    "text parts": {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]},
    "image part": {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
    "integer content": {"messages": [{"role": "user", "content": 5}]},
    "tools": {"messages": [user("Weather?")], "tools": [WEATHER, CLOCK]},
    "tools and system": {"messages": [system("S"), user("Weather?"), assistant("Where?"), user("Bern")], "tools": [WEATHER]},
    "no tools in the list": {"messages": [user("a")], "tools": []},
    "call with an object": {
        "messages": [user("a"), assistant(None, tool_calls=[call("get_weather", {"place": "Bern", "days": 2, "x": [1.5, None, True]})]),
                     tool("{\"t\": 21.5}", name="get_weather"), assistant("21.5"), user("b")],
        "tools": [WEATHER]},
    "call with text": {
        "messages": [user("a"), assistant("", tool_calls=[call("get_weather", "{\"place\": \"Zürich\"}")]), tool("22")],
        "tools": [WEATHER]},
    "call without content": {
        "messages": [user("a"), {"role": "assistant", "tool_calls": [call("clock", {})]}, tool("12:30"), user("b")],
        "tools": [CLOCK]},
    "two calls": {
        "messages": [user("a"), assistant(None, tool_calls=[call("clock", {}), call("get_weather", {"place": "x"}, "bcdefghij")]),
                     tool("1"), tool("2.50", "bcdefghij"), assistant("ok")],
        "tools": [WEATHER, CLOCK]},
    "call and content": {
        "messages": [user("a"), assistant("Let me see.", tool_calls=[call("clock", "{}")]), tool("x"), assistant("b"), user("c")],
        "tools": [CLOCK]},
    "call with a short id": {
        "messages": [user("a"), assistant(None, tool_calls=[call("clock", {}, "1")]), tool("x", "1")], "tools": [CLOCK]},
    "tool answers": {
        "messages": [user("a"), assistant(None, tool_calls=[call("clock", "")]),
                     tool("123456789012345678901234567890"), tool("-0"), tool("1e400"), tool(" 7"), tool("0.1"), tool("nan")],
        "tools": [CLOCK]},
    "tool first": {"messages": [tool("x"), user("a")]},
    "content of parts from a tool": {
        "messages": [user("a"), assistant(None, tool_calls=[call("clock", "{}")]), tool([{"type": "text", "text": "x"}])]},
    "tool content as an object": {
        "messages": [user("a"), assistant(None, tool_calls=[call("clock", "{}")]), tool({"content": "x", "n": 1e-7})]},
    "empty calls": {"messages": [user("a"), assistant("b", tool_calls=[]), user("c")]},
    "values": {
        "messages": [user("a")],
        "chat_template_kwargs": {"enable_thinking": False, "date_string": "1 Jan 2020", "custom_tools": [CLOCK], "tools_in_user_message": False}},
    "built-in tools": {
        "messages": [user("a"), assistant(None, tool_calls=[call("brave_search", {"query": "x \"y\""})]), tool("r")],
        "chat_template_kwargs": {"builtin_tools": ["brave_search", "code_interpreter"]}},
    "long": {"messages": [part for index in range(40) for part in (user(f"question {index} " * 20), assistant(f"answer {index}"))] + [user("end")]},
}
