# %% right "plain httpx instead of the client"
def _ask(base_url, route, body):
    answer = httpx.post(f"{base_url}/{route}", json=body, timeout=60).json()
    choice = answer["choices"][0]
    return {
        "text": choice["message"]["content"] if "message" in choice else choice["text"],
        "finish_reason": choice["finish_reason"],
        "prompt_tokens": answer["usage"]["prompt_tokens"],
        "completion_tokens": answer["usage"]["completion_tokens"],
    }


def chat(base_url, model, system, question, max_tokens):
    messages = [{"role": "system", "content": system}, {"role": "user", "content": question}]
    return _ask(
        base_url, "chat/completions", {"model": model, "messages": messages, "max_tokens": max_tokens, "temperature": 0}
    )


def complete(base_url, model, prompt, max_tokens):
    return _ask(base_url, "completions", {"model": model, "prompt": prompt, "max_tokens": max_tokens, "temperature": 0})

# %% right "max_completion_tokens, the newer name in chats"
def _report(choice, text, usage):
    return dict(
        text=text,
        finish_reason=choice.finish_reason,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
    )


def chat(base_url, model, system, question, max_tokens):
    with OpenAI(base_url=base_url, api_key="EMPTY", max_retries=0) as client:
        answer = client.chat.completions.create(
            model=model,
            messages=[dict(role="system", content=system), dict(role="user", content=question)],
            max_completion_tokens=max_tokens,
            temperature=0.0,
        )
    return _report(answer.choices[0], answer.choices[0].message.content, answer.usage)


def complete(base_url, model, prompt, max_tokens):
    with OpenAI(base_url=base_url, api_key="EMPTY", max_retries=0) as client:
        answer = client.completions.create(model=model, prompt=[prompt], max_tokens=max_tokens, temperature=0.0)
    return _report(answer.choices[0], answer.choices[0].text, answer.usage)

# %% right "streamed, and put together again"
def _collect(events, chat):
    text, finish, usage = "", None, None
    for event in events:
        usage = event.usage or usage
        for choice in event.choices:
            text += (choice.delta.content if chat else choice.text) or ""
            finish = choice.finish_reason or finish
    return {
        "text": text,
        "finish_reason": finish,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
    }


def chat(base_url, model, system, question, max_tokens):
    events = OpenAI(base_url=base_url, api_key="x").chat.completions.create(
        model=model,
        messages=[{"role": "system", "content": system}, {"role": "user", "content": question}],
        max_tokens=max_tokens,
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
    )
    return _collect(events, chat=True)


def complete(base_url, model, prompt, max_tokens):
    events = OpenAI(base_url=base_url, api_key="x").completions.create(
        model=model,
        prompt=prompt,
        max_tokens=max_tokens,
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
    )
    return _collect(events, chat=False)

# %% wrong "system text glued to the question" points=2
def _report(answer, text):
    return {
        "text": text,
        "finish_reason": answer.choices[0].finish_reason,
        "prompt_tokens": answer.usage.prompt_tokens,
        "completion_tokens": answer.usage.completion_tokens,
    }


def chat(base_url, model, system, question, max_tokens):
    client = OpenAI(base_url=base_url, api_key="none")
    messages = [{"role": "user", "content": f"{system}\n{question}"}]
    answer = client.chat.completions.create(model=model, messages=messages, max_tokens=max_tokens, temperature=0)
    return _report(answer, answer.choices[0].message.content)


def complete(base_url, model, prompt, max_tokens):
    client = OpenAI(base_url=base_url, api_key="none")
    answer = client.completions.create(model=model, prompt=prompt, max_tokens=max_tokens, temperature=0)
    return _report(answer, answer.choices[0].text)

# %% wrong "temperature forgotten" points=0
def _report(answer, text):
    return {
        "text": text,
        "finish_reason": answer.choices[0].finish_reason,
        "prompt_tokens": answer.usage.prompt_tokens,
        "completion_tokens": answer.usage.completion_tokens,
    }


def chat(base_url, model, system, question, max_tokens):
    client = OpenAI(base_url=base_url, api_key="none")
    messages = [{"role": "system", "content": system}, {"role": "user", "content": question}]
    answer = client.chat.completions.create(model=model, messages=messages, max_tokens=max_tokens)
    return _report(answer, answer.choices[0].message.content)


def complete(base_url, model, prompt, max_tokens):
    client = OpenAI(base_url=base_url, api_key="none")
    answer = client.completions.create(model=model, prompt=prompt, max_tokens=max_tokens)
    return _report(answer, answer.choices[0].text)

# %% wrong "a prompt sent as a chat message" points=2
def _talk(base_url, model, messages, max_tokens):
    client = OpenAI(base_url=base_url, api_key="none")
    answer = client.chat.completions.create(model=model, messages=messages, max_tokens=max_tokens, temperature=0)
    return {
        "text": answer.choices[0].message.content,
        "finish_reason": answer.choices[0].finish_reason,
        "prompt_tokens": answer.usage.prompt_tokens,
        "completion_tokens": answer.usage.completion_tokens,
    }


def chat(base_url, model, system, question, max_tokens):
    messages = [{"role": "system", "content": system}, {"role": "user", "content": question}]
    return _talk(base_url, model, messages, max_tokens)


def complete(base_url, model, prompt, max_tokens):
    return _talk(base_url, model, [{"role": "user", "content": prompt}], max_tokens)

# %% wrong "completion tokens are all tokens" points=0
def _report(answer, text):
    return {
        "text": text,
        "finish_reason": answer.choices[0].finish_reason,
        "prompt_tokens": answer.usage.prompt_tokens,
        "completion_tokens": answer.usage.total_tokens,
    }


def chat(base_url, model, system, question, max_tokens):
    client = OpenAI(base_url=base_url, api_key="none")
    messages = [{"role": "system", "content": system}, {"role": "user", "content": question}]
    answer = client.chat.completions.create(model=model, messages=messages, max_tokens=max_tokens, temperature=0)
    return _report(answer, answer.choices[0].message.content)


def complete(base_url, model, prompt, max_tokens):
    client = OpenAI(base_url=base_url, api_key="none")
    answer = client.completions.create(model=model, prompt=prompt, max_tokens=max_tokens, temperature=0)
    return _report(answer, answer.choices[0].text)

# %% wrong "the model's name of the example everywhere" points=0
def _report(answer, text):
    return {
        "text": text,
        "finish_reason": answer.choices[0].finish_reason,
        "prompt_tokens": answer.usage.prompt_tokens,
        "completion_tokens": answer.usage.completion_tokens,
    }


def chat(base_url, model, system, question, max_tokens):
    client = OpenAI(base_url=base_url, api_key="none")
    messages = [{"role": "system", "content": system}, {"role": "user", "content": question}]
    answer = client.chat.completions.create(model="scripted", messages=messages, max_tokens=max_tokens, temperature=0)
    return _report(answer, answer.choices[0].message.content)


def complete(base_url, model, prompt, max_tokens):
    client = OpenAI(base_url=base_url, api_key="none")
    answer = client.completions.create(model="scripted", prompt=prompt, max_tokens=max_tokens, temperature=0)
    return _report(answer, answer.choices[0].text)
