/*
 * replay: run a fuzz target over files, without a fuzzing compiler.  Every
 * argument is a file or a folder of files; the count is printed.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static unsigned int runs;

static void
replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	long n;
	uint8_t *p;

	if (f == NULL || fseek(f, 0, SEEK_END) < 0 || (n = ftell(f)) < 0 ||
	    fseek(f, 0, SEEK_SET) < 0) {
		perror(path);
		exit(71);
	}
	/* exactly as long as the file, so that a read past the end is seen */
	p = malloc(n > 0 ? (size_t)n : 1);
	if (p == NULL || fread(p, 1, (size_t)n, f) != (size_t)n) {
		perror(path);
		exit(71);
	}
	(void)LLVMFuzzerTestOneInput(p, (size_t)n);
	free(p);
	(void)fclose(f);
	runs++;
}

static void
replay(const char *path)
{
	struct dirent *d;
	struct stat st;
	DIR *dir;

	if (stat(path, &st) < 0) {
		perror(path);
		exit(71);
	}
	if (!S_ISDIR(st.st_mode)) {
		replay_file(path);
		return;
	}
	dir = opendir(path);
	while (dir != NULL && (d = readdir(dir)) != NULL) {
		char file[4096];

		if (d->d_name[0] == '.')
			continue;
		(void)snprintf(file, sizeof(file), "%s/%s", path, d->d_name);
		replay_file(file);
	}
	if (dir != NULL)
		(void)closedir(dir);
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	printf("%u inputs\n", runs);
	return runs > 0 ? 0 : 1;
}
