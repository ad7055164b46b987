"""How people and machines write what is no amount here: wherever money is entered, each is refused."""

NO_NUMBERS = [
    "-1.00",
    "-0",
    "+5",
    "12,50",
    "1,000.00",
    "1 000",
    "1_000",
    "1e5",
    "0x10",
    ".5",
    "5.",
    "NaN",
    "Infinity",
    "１２",  # fullwidth digits
    "١٢",  # Arabic-Indic digits
    "1٫5",  # with an Arabic decimal separator
    "²",
    "1000000000000000",
]
