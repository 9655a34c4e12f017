"""Support tickets and the strict JSON that each should become: the data set of the LoRA lab.

Made from the word lists below with a fixed seed, so that everyone has the same examples. Training, development and hidden
examples share no product, no sentence about what went wrong, and no sentence about the hurry: a score on the others is
generalisation. The hidden lists are in `tests/lora/`, not here.
"""

from __future__ import annotations

import base64
import functools
import json
import random
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from servelab.errors import CourseError

SYSTEM = "Ticket to JSON."
LABEL_SYSTEM = "Ticket to label."  # another behaviour on the same tickets, for the second adapter
FIELDS = ("product", "category", "urgency")
CATEGORIES = ("account", "billing", "defect", "delivery")
URGENCIES = ("low", "high")
END = "<|im_end|>"


@dataclass(frozen=True)
class Example:
    """One ticket and what it should become.

    Attributes:
        ticket: what the customer wrote.
        answer: the JSON object, on one line, fields in the order of `FIELDS`.
        system: the system message that asks for it.
    """

    ticket: str
    answer: str
    system: str = SYSTEM

    @property
    def prompt(self) -> str:
        """The ticket as the model reads it: ChatML up to where the answer begins."""
        return render(self.ticket, self.system)

    @property
    def wanted(self) -> dict[str, str]:
        """The answer, parsed."""
        return json.loads(self.answer)


@dataclass(frozen=True)
class Words:
    """What a set of tickets is made from.

    Attributes:
        products: names as customers write them.
        problems: for each category, sentences with `{}` for the product.
        hurry: for each urgency, sentences.
        openings: what a ticket may begin with; "" for nothing.
    """

    products: Sequence[str]
    problems: Mapping[str, Sequence[str]]
    hurry: Mapping[str, Sequence[str]]
    openings: Sequence[str]


def messages(ticket: str, system: str = SYSTEM) -> list[dict[str, str]]:
    """The chat that asks for a ticket's JSON: what to send to an engine."""
    return [{"role": "system", "content": system}, {"role": "user", "content": ticket}]


def render(ticket: str, system: str = SYSTEM) -> str:
    """The same chat as text, as the chat templates of SmolLM2 and Qwen2.5 write it."""
    return f"<|im_start|>system\n{system}{END}\n<|im_start|>user\n{ticket}{END}\n<|im_start|>assistant\n"


def make(words: Words, count: int, seed: int) -> list[Example]:
    """`count` different tickets: categories and urgencies in equal parts, everything else drawn."""
    draw = random.Random(seed)
    made: dict[str, Example] = {}
    while len(made) < count:
        category = CATEGORIES[len(made) % 4]
        urgency = URGENCIES[len(made) // 4 % 2]
        product = draw.choice(words.products)
        sentences = [
            draw.choice(words.problems[category]).format(product),
            draw.choice(words.hurry[urgency]),
        ]
        if draw.random() < 0.3:
            sentences.reverse()
        ticket = " ".join(filter(None, [draw.choice(words.openings), *sentences]))
        answer = json.dumps({"product": product, "category": category, "urgency": urgency})
        made.setdefault(ticket, Example(ticket, answer))
    examples = list(made.values())
    draw.shuffle(examples)
    return examples


@functools.cache
def _train() -> tuple[Example, ...]:
    return tuple(make(TRAIN, 400, seed=8))


def train() -> list[Example]:
    """The 400 training examples, in a fixed order that mixes everything."""
    return list(_train())


def dev() -> list[Example]:
    """80 examples to develop with, from products and sentences that training does not contain."""
    return make(DEV, 80, seed=80)


def labels() -> list[Example]:
    """The training tickets with another answer, a line such as `delivery/high`: what the course's second adapter learned."""
    return [
        Example(e.ticket, f"{e.wanted['category']}/{e.wanted['urgency']}", LABEL_SYSTEM) for e in _train()
    ]


def pack(examples: Sequence[Example], texts: Sequence[str] = ()) -> str:
    """Examples and general texts as one line, for a hidden test; `unpack` reads it."""
    held = [[[e.ticket, e.answer] for e in examples], list(texts)]
    return base64.b85encode(zlib.compress(json.dumps(held, separators=(",", ":")).encode(), 9)).decode(
        "ascii"
    )


def unpack(line: str) -> tuple[list[Example], list[str]]:
    """The opposite of `pack`: (examples, texts). Raises: CourseError, the line is none of pack's."""
    try:
        rows, texts = json.loads(zlib.decompress(base64.b85decode(line.strip())))
        return [Example(*row) for row in rows], [str(text) for text in texts]
    except (ValueError, TypeError, zlib.error) as error:
        raise CourseError(f"These are no packed tickets ({type(error).__name__}).") from None


TRAIN = Words(
    products=(
        *(
            "kettle",
            "toaster",
            "rice cooker",
            "blender",
            "coffee grinder",
            "juicer",
            "hand mixer",
            "waffle iron",
        ),
        *(
            "desk lamp",
            "floor lamp",
            "night light",
            "alarm clock",
            "wall clock",
            "space heater",
            "ceiling fan",
        ),
        *(
            "laptop",
            "keyboard",
            "webcam",
            "monitor",
            "printer",
            "router",
            "headset",
            "microphone",
            "power bank",
        ),
        *(
            "phone case",
            "smart watch",
            "tablet",
            "e-reader",
            "memory card",
            "charging cable",
            "docking station",
        ),
        *(
            "road bike",
            "bike helmet",
            "bike pump",
            "yoga mat",
            "tennis racket",
            "rowing machine",
            "running shoes",
        ),
        *("tent", "sleeping bag", "backpack", "camping stove", "hiking boots", "rain jacket", "wool scarf"),
        *(
            "garden hose",
            "lawn mower",
            "hedge trimmer",
            "wheelbarrow",
            "cordless drill",
            "circular saw",
            "toolbox",
        ),
        *(
            "office chair",
            "bookshelf",
            "standing desk",
            "sofa bed",
            "mattress",
            "pillow",
            "bath towel",
            "mirror",
        ),
        *(
            "wheelchair",
            "trampoline",
            "chandelier",
            "harmonica",
            "corkscrew",
            "hourglass",
            "lampshade",
            "doormat",
        ),
        *(
            "birdcage",
            "flowerpot",
            "dartboard",
            "snorkel",
            "colander",
            "tripod",
            "thermos flask",
            "beach umbrella",
        ),
        *(
            "barometer",
            "bathrobe",
            "beanbag",
            "bedside table",
            "bird bath",
            "bookend",
            "bracelet",
            "briefcase",
            "broom",
        ),
        *(
            "bunk bed",
            "camcorder",
            "candelabra",
            "casserole dish",
            "clarinet",
            "clipboard",
            "cocktail shaker",
            "compass",
        ),
        *(
            "cookbook",
            "crib",
            "crochet hook",
            "cupboard",
            "curling iron",
            "deckchair",
            "dehydrator",
            "dumbbell",
        ),
        *(
            "easel",
            "eyeglasses",
            "fireplace screen",
            "flashlight",
            "flute",
            "fondue set",
            "footstool",
            "fountain pen",
        ),
        *(
            "frying pan",
            "gaming chair",
            "garlic press",
            "gazebo",
            "globe",
            "grater",
            "hacksaw",
            "hairbrush",
            "handbag",
        ),
        *(
            "hockey stick",
            "jigsaw",
            "jukebox",
            "kaleidoscope",
            "kimono",
            "ladle",
            "lawn chair",
            "letterbox",
            "loom",
        ),
        *(
            "luggage scale",
            "magnifier",
            "mandolin",
            "metronome",
            "mousetrap",
            "nutcracker",
            "oboe",
            "overcoat",
            "paddle",
        ),
        *(
            "paperweight",
            "parasol",
            "pedometer",
            "piano stool",
            "pliers",
            "pocket knife",
            "quilt",
            "radiator",
            "rake",
        ),
        *(
            "recliner",
            "saucepan",
            "saxophone",
            "screwdriver",
            "sewing kit",
            "shoe rack",
            "sledge",
            "sleigh",
            "spatula",
        ),
        *(
            "stapler",
            "steam mop",
            "stopwatch",
            "sunglasses",
            "tablecloth",
            "teapot",
            "toothbrush",
            "trombone",
            "unicycle",
        ),
        *(
            "vase",
            "wallpaper",
            "watering can",
            "weathervane",
            "whisk",
            "windbreaker",
            "wine rack",
            "xylophone",
            "zither",
        ),
        *("baby monitor", "pushchair", "high chair", "dog bed", "cat tree", "fish tank", "guitar", "ukulele"),
    ),
    problems={
        "account": (
            "I cannot log in to register my {}.",
            "My password is rejected when I try to look up my {}.",
            "The reset link never arrives, so I cannot see my {} in my profile.",
            "Please change the email address of the account with my {}.",
            "My account is locked and I wanted to review the {}.",
            "I want to delete my profile after buying the {}.",
            "Since the update I am signed out every time I open the page of my {}.",
            "The site says my user name does not exist, but I own a {} from you.",
            "How do I move my {} to my wife's account?",
            "The two-factor code is wrong each time I sign in to see my {}.",
            "I have forgotten my login and need the manual of the {}.",
            "Please merge my two accounts; the {} is in the old one.",
            "Somebody else is using my login and has changed the name on my {}.",
            "I can't update my phone number in the settings, where the {} is listed.",
        ),
        "billing": (
            "You charged me twice for the {}.",
            "The invoice for my {} shows the wrong amount.",
            "I sent the {} back and still have no refund.",
            "The discount code was not applied to the {}.",
            "My card was debited although I cancelled the {}.",
            "Why did I pay more for the {} than the price on the page?",
            "I need a receipt for the {} with the company's name.",
            "The tax on the bill of my {} is wrong.",
            "You promised me a refund for the {} three weeks ago.",
            "There is a fee on my statement for the {} that nobody explained.",
            "The payment for the {} failed, but the money is gone.",
            "I was billed for two pieces of the {} and ordered one.",
            "Can I pay for the {} in instalments instead?",
            "The voucher is missing in the total for the {}.",
        ),
        "defect": (
            "My {} stopped working after two days.",
            "The {} is broken.",
            "There is a crack in the {}.",
            "The {} does not switch on any more.",
            "My new {} makes a loud noise and smells of smoke.",
            "A part of the {} fell off when I touched it.",
            "The {} came with a scratch and a loose screw.",
            "The {} gets so hot that I cannot touch it.",
            "Something inside the {} rattles, and it no longer works.",
            "The colour of the {} comes off and the surface is torn.",
            "The button of my {} is stuck.",
            "Your {} fell apart in my hands.",
            "The {} leaks and is damaged on one side.",
            "After one week the {} is faulty.",
        ),
        "delivery": (
            "My {} has not arrived.",
            "The parcel with the {} is late.",
            "The tracking page of my {} has not moved for a week.",
            "The courier left the {} with a neighbour I do not know.",
            "Where is my {}?",
            "You shipped the {} to my old address.",
            "The driver never rang, and the {} went back to the depot.",
            "When will the {} be delivered?",
            "I ordered a {} ten days ago and nothing has come.",
            "The package was empty, the {} is missing.",
            "Instead of the {} I got somebody else's parcel.",
            "Please send the {} to my office instead of my home.",
            "The shipment of my {} is stuck at customs.",
            "The post says that the {} was handed over, but I never got it.",
        ),
    },
    hurry={
        "low": (
            "There is no hurry.",
            "Take your time.",
            "It is not urgent.",
            "Whenever you find the time.",
            "I can wait.",
            "Any time this month is fine.",
            "Answer when it suits you.",
            "This can wait until next month.",
            "No rush at all.",
            "I am in no hurry with this.",
            "You need not hurry.",
            "We have lots of time.",
            "Please look at it when you get round to it.",
            "It will do next week.",
            "Nothing about this is urgent.",
            "I do not mind waiting.",
            "Whenever it is convenient for you.",
            "It need not be today.",
            "Reply at your leisure.",
            "Some day next month will do.",
            "Don't rush.",
            "There is time enough.",
        ),
        "high": (
            "This is urgent.",
            "I need an answer today.",
            "Please help me at once.",
            "It has to be solved by tonight.",
            "I need it before tomorrow.",
            "Please hurry.",
            "I cannot wait any longer.",
            "Answer me immediately.",
            "Every hour counts.",
            "This must be fixed right now.",
            "Please reply within the hour.",
            "We are in a great hurry.",
            "It is terribly urgent.",
            "Please deal with it immediately.",
            "I must have this by noon.",
            "Waiting is not possible.",
            "Do something now.",
            "I have to have it this evening.",
            "Urgent!",
            "I need a solution in the next few hours.",
            "Please answer straight away.",
            "Today is the last day.",
        ),
    },
    openings=("", "", "Hello,", "Hi there.", "Good morning.", "Dear team,", "To whom it may concern:"),
)

DEV = Words(
    products=(
        *(
            "espresso machine",
            "air fryer",
            "ice maker",
            "bread knife",
            "clothes iron",
            "vacuum cleaner",
            "humidifier",
        ),
        *("projector", "hard drive", "loudspeaker", "game controller", "mouse", "scanner", "drone"),
        *("skateboard", "kayak", "ski goggles", "umbrella", "leaf blower", "bench", "carpet", "violin"),
    ),
    problems={
        "account": (
            "I cannot sign in to my customer page, and my {} is listed there.",
            "My login for the page of the {} has expired.",
            "Please close my account, I only bought the {} once.",
            "I would like a new password to see my {}.",
        ),
        "billing": (
            "The price on my bill for the {} is too high.",
            "Please give me my money back for the {}.",
            "I paid for the {} and got charged again a day later.",
            "The invoice of the {} has the wrong date.",
        ),
        "defect": (
            "The {} is already broken and nothing happens when I press start.",
            "My {} has a hole in it.",
            "The {} you sold me does not work.",
            "One side of my {} is bent and cracked.",
        ),
        "delivery": (
            "I am still waiting for the {} that I ordered.",
            "The courier did not bring my {}.",
            "The {} should have been here on Monday.",
            "According to the tracking, the {} is in another town.",
        ),
    },
    hurry={
        "low": (
            "It does not matter when you reply.",
            "Next week is early enough.",
            "I am not in a rush.",
            "Do it some time.",
        ),
        "high": (
            "I need help within the hour.",
            "Do this right away, please.",
            "It is very urgent.",
            "Tomorrow will be too late.",
        ),
    },
    openings=("", "Dear support,", "Good evening,", "Hey!"),
)
