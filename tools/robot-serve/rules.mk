# web.c takes these files in, which no compiler tells.
$B/tools/robot-serve/web.o: $(wildcard tools/robot-serve/web/*)
