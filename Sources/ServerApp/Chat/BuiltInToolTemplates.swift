/// Templates for conversations with tools, for named formats that have a place for them. The arguments of calls and
/// the results of tools are given as values, not as JSON text.
enum BuiltInToolTemplates {
    /// The template of a format; nil for a format without tools.
    static func text(format: String) -> String? { format == "mistral" ? mistral : nil }

    /// Mistral's third tokenizer: tools and system messages go before the last instruction.
    private static let mistral = #"""
        {{- bos_token }}
        {%- set ns = namespace(system='', last_user=-1) %}
        {%- for message in messages %}
            {%- if message.role == 'system' %}
                {%- set ns.system = ns.system ~ message.content ~ '\n\n' %}
            {%- elif message.role == 'user' %}
                {%- set ns.last_user = loop.index0 %}
            {%- endif %}
        {%- endfor %}
        {%- for message in messages %}
            {%- if message.role == 'user' %}
                {%- if loop.index0 == ns.last_user and tools %}
                    {{- '[AVAILABLE_TOOLS] ' ~ tools | tojson ~ '[/AVAILABLE_TOOLS]' }}
                {%- endif %}
                {{- '[INST] ' ~ (ns.system if loop.index0 == ns.last_user) ~ message.content ~ '[/INST]' }}
            {%- elif message.role == 'assistant' and message.tool_calls %}
                {{- '[TOOL_CALLS] [' }}
                {%- for call in message.tool_calls %}
                    {%- set function = call.function %}
                    {%- set id = call.id | default('') %}
                    {{- {'name': function.name, 'arguments': function.arguments, 'id': id} | tojson }}
                    {{- ', ' if not loop.last }}
                {%- endfor %}
                {{- ']' ~ eos_token }}
            {%- elif message.role == 'assistant' %}
                {{- ' ' ~ message.content ~ eos_token }}
            {%- elif message.role == 'tool' %}
                {%- set result = {'content': message.content, 'call_id': message.tool_call_id | default('')} %}
                {{- '[TOOL_RESULTS] ' ~ result | tojson ~ '[/TOOL_RESULTS]' }}
            {%- endif %}
        {%- endfor %}
        """#
}
