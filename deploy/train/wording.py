"""Words of the synthetic texts: names, facts, questions, conversations."""

NAMES = (
    "Ann Ben Tom Max Eve Ida Joe Kay Leo Mia Ned Amy Zoe Roy Sam Dan Tim Jim Kim Lee Ray Ron Sue Ted Una Val Vic Wes "
    "Abe Ali Ava Bob Cal Dot Eli Fay Gil Guy Hal Ian Ivy Jan Jay Jon Ken Lou Mae Meg Nan Nat Nell Otto Pam Pat Peg "
    "Rex Rob Rod Ruth Sal Sid Tess Wim Zeb"
).split()
ADJECTIVES = "red blue green old new big small dark gold silver black white long cold warm lost grey brown round quiet".split()
THINGS = "door gate box ship tower garden house room book lamp horse bridge road tree river stone chest letter key clock".split()

# What facts are about, with leading space.
KEYS = [f" {name}" for name in NAMES] + [f" the {adjective} {thing}" for adjective in ADJECTIVES for thing in THINGS]

# Kinds of values and how a key is joined to them.
KINDS = ["code", "number", "password"]
JOINS = ["of", "for"]

SYSTEM = [
    "You are a helpful assistant.",
    "Answer briefly.",
    "You remember what the user tells you.",
]

# Small talk: ways to say it, and the answer.
TALK = [
    (["Hello!", "Hello", "Hi", "Hi!", "Hello there.", "Hey", "Good day.", "Good morning!", "Good evening."],
     "Hello! Tell me some facts and ask me for them later."),
    (["Who are you?", "What are you?", "What is your name?", "Tell me about yourself.", "Introduce yourself."],
     "I am the small model that is built into keyhold. I can remember facts and write a little."),
    (["What can you do?", "What can I ask you?", "How can you help me?", "Help", "What do you know?"],
     "I can remember codes and numbers from a long text, list them, repeat a sentence and write a story."),
    (["How are you?", "How are you today?", "How do you do?"], "I am well, thank you. What shall I remember?"),
    (["Thank you.", "Thanks!", "Thank you very much.", "Thanks", "Thank you!"], "You are welcome."),
    (["Goodbye.", "Bye", "Goodbye!", "See you later.", "Good night."], "Goodbye!"),
    (["What is keyhold?", "Tell me about keyhold.", "What does keyhold do?"],
     "keyhold is a server for language models. Each request may set a budget for its cache."),
    (["What is a KV cache?", "What is a cache budget?", "What is the KV cache?"],
     "The cache holds what the model has read. With a budget, only the most important part of it stays."),
    (["Are you a person?", "Are you human?", "Are you real?"], "No, I am a small language model."),
    (["How large are you?", "How big are you?", "How many parameters do you have?"],
     "I am very small: I have fewer than three million parameters."),
    (["What time is it?", "What day is it?", "What is the weather like?", "What is the news?"],
     "I do not know. I only know what you tell me."),
    (["Who made you?", "Where do you come from?", "How were you trained?"],
     "I was trained from scratch on old books and made-up facts."),
    (["Can you remember things?", "Do you have a memory?", "Will you remember this?"],
     "Yes. Tell me a code or a number, and ask me for it later."),
    (["Can you write a story?", "Do you know stories?"], "Yes. Say: Tell me a story."),
    (["Yes", "Yes.", "OK", "Okay.", "Good.", "Fine."], "Good. What shall I do?"),
    (["No", "No.", "Nothing."], "Very well."),
]

STORY_REQUESTS = ["Tell me a story.", "Tell me a story", "Write a story.", "Write a short story.", "Begin a story.",
                  "Write something.", "Tell me something.", "Can you tell me a story?"]
CONTINUE_REQUESTS = ["Continue this text: ", "Continue the story: ", "Go on with this text: ", "What comes next? "]
REPEAT_REQUESTS = ["Repeat: ", "Say: ", "Repeat after me: ", "Repeat this sentence: "]
READ_REQUESTS = ["Read this text.\n", "Here is a text.\n", "Remember what this text says.\n", ""]
READ_ANSWERS = "I have read the text."
