"""One process that takes raw transactions one by one: it answers, logs before it tells, and loses nothing."""
