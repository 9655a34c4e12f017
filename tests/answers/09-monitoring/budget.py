# %% right "in minutes, and with a loop"
def burn_rate(spent, hours, days):
    budget_per_hour = 1 / (days * 24)
    return (spent / hours) / budget_per_hour


def alert_after(errors, slo, rate, hours):
    limit = rate * (1 - slo)
    if errors == 0 or errors < limit * (1 - 1e-9):
        return float("inf")
    minutes = limit / errors * hours * 60
    return minutes / 60

# %% right "by cases, with fractions"
from fractions import Fraction


def burn_rate(spent, hours, days):
    return float(Fraction(str(spent)) * Fraction(str(days)) * 24 / Fraction(str(hours)))


def alert_after(errors, slo, rate, hours):
    if not errors:
        return math.inf
    part = Fraction(str(rate)) * (1 - Fraction(str(slo))) / Fraction(str(errors))
    return math.inf if part > 1 else float(part * Fraction(str(hours)))

# %% wrong "days for hours" points=0
def burn_rate(spent, hours, days):
    return spent * days / hours


def alert_after(errors, slo, rate, hours):
    needed = hours * rate * (1 - slo) / errors if errors else math.inf
    return needed if needed <= hours * (1 + 1e-12) else math.inf

# %% wrong "never says never" points=0
def burn_rate(spent, hours, days):
    return spent * days * 24 / hours


def alert_after(errors, slo, rate, hours):
    return hours * rate * (1 - slo) / errors if errors else math.inf

# %% wrong "as if the window were full at once" points=0
def burn_rate(spent, hours, days):
    return spent * days * 24 / hours


def alert_after(errors, slo, rate, hours):
    return 0.0 if errors >= rate * (1 - slo) else math.inf

# %% wrong "a month always has thirty days" points=0
def burn_rate(spent, hours, days):
    return spent * 720 / hours


def alert_after(errors, slo, rate, hours):
    needed = hours * rate * (1 - slo) / errors if errors else math.inf
    return needed if needed <= hours * (1 + 1e-12) else math.inf
