"""How a command ends: the exit statuses that scripts rely on."""

DONE = 0
PARTLY = 1  # done, but some items failed or were not solved; they are named, the others are kept
WRONG = 2  # the call or its input is wrong
INTERRUPTED = 130  # Ctrl-C; what is finished stays
