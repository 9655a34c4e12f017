"""The hidden tickets and general texts of lab 08: products, sentences and passages that students get nowhere.

`python tests/lora/hidden_tickets.py` prints the line that the hidden tests of lab 08 carry.
"""

from __future__ import annotations

from servelab.lora import tickets
from servelab.lora.tickets import Example, Words

HIDDEN = Words(
    products=(
        *(
            "pressure cooker",
            "food processor",
            "milk frother",
            "egg timer",
            "kitchen scale",
            "dish rack",
            "wok",
        ),
        *(
            "hair dryer",
            "electric shaver",
            "sewing machine",
            "dehumidifier",
            "doorbell",
            "smoke detector",
            "thermostat",
        ),
        *(
            "graphics card",
            "network switch",
            "label maker",
            "turntable",
            "soundbar",
            "dash cam",
            "binoculars",
        ),
        *(
            "surfboard",
            "climbing rope",
            "fishing rod",
            "snowshoes",
            "hammock",
            "cool box",
            "wetsuit",
            "scooter",
        ),
        *(
            "pruning shears",
            "ladder",
            "paint sprayer",
            "angle grinder",
            "water pump",
            "bird feeder",
            "greenhouse",
        ),
        *("wardrobe", "coat rack", "shower curtain", "duvet", "cello", "accordion", "telescope", "puzzle"),
    ),
    problems={
        "account": (
            "Your site will not let me log in, and I wanted to look at my {}.",
            "My password no longer works since I bought the {}.",
            "I would like to change the user name under which my {} is registered.",
            "Could you unlock my account? The {} is saved there.",
            "When I sign in, the page with my {} says access denied.",
            "I need to delete the account that I made for the {}.",
            "The email with the login code for my {} never comes.",
        ),
        "billing": (
            "I have been charged a second time for one {}.",
            "Where is the refund for the {} that I returned?",
            "The amount on the invoice for the {} is not what we agreed.",
            "My bank shows two payments to you for the {}.",
            "I was promised ten percent off the {}, and paid the full price.",
            "Please correct the bill for the {}.",
            "You took too much money from my card for the {}.",
        ),
        "defect": (
            "The {} broke the first time I used it.",
            "My {} is dead, whatever I press.",
            "The handle of the {} is cracked.",
            "There is something wrong with my {}: it will not start.",
            "The {} has stopped working and smells burnt.",
            "My {} is damaged and cannot be used.",
            "A screw is loose and the {} wobbles and rattles.",
        ),
        "delivery": (
            "The {} that I ordered has still not been delivered.",
            "Nobody knows where the parcel with my {} is.",
            "My {} was sent to the wrong address.",
            "The courier says he delivered the {}, but it is not here.",
            "How long will it take until my {} arrives?",
            "The tracking number of the {} does not exist.",
            "I have been waiting for my {} since last week.",
        ),
    },
    hurry={
        "low": (
            "There is no need to hurry.",
            "It is nothing urgent.",
            "You can answer whenever you like.",
            "I have plenty of time.",
            "Just reply when you can.",
            "It can wait.",
        ),
        "high": (
            "I need this solved today.",
            "Please act immediately.",
            "It is extremely urgent.",
            "I must have an answer within two hours.",
            "Please do it now, I cannot wait.",
            "This needs to be done before tonight.",
        ),
    },
    openings=("", "Greetings,", "Hello support team,", "Sir or madam,", "Hi,"),
)


TEXTS = (
    "The first bridge over the river was made of boats. In spring, when the snow melted in the hills, the boats were untied and drawn "
    "to the bank, and for six weeks the two halves of the town had nothing to say to each other. Letters were shot across with a bow. "
    "When the stone bridge came at last, some old people refused to use it. They said that a town needs a season in which it is "
    "divided, so that it knows what it is missing for the rest of the year.",
    "To bake bread without yeast, mix flour and water in equal parts and leave the bowl open on the kitchen table. After two or three "
    "days there are bubbles. Throw half of it away and add fresh flour and water, every day, until the mixture rises in a few hours. "
    "Nothing was added, so where do the bubbles come from? The yeasts were on the grain all the time, asleep. What you did is to give "
    "them food and warmth, and to wait until they were more numerous than everything else in the bowl.",
    "A thermometer does not measure the temperature of the air. It measures its own temperature, and we hope that the two are the same. "
    "In the sun they are not: the glass takes up light and becomes warmer than the air around it. That is why weather stations "
    "put their instruments into white boxes with slits, two metres above the grass. A reading from a balcony in the afternoon says more about the "
    "balcony than about the weather.",
)
GRADED = 40


def hidden() -> list[Example]:
    """120 examples; the first `GRADED` of them are those that the grader asks, the others tell whether these are typical."""
    return tickets.make(HIDDEN, 120, seed=1208)


def line() -> str:
    """What stands between the quotes of `tickets.unpack` in the hidden tests."""
    return tickets.pack(hidden()[:GRADED], TEXTS)


if __name__ == "__main__":
    print(line())
