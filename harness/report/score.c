#include "report/report.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

Score report_score(const LabRecord *lab)
{
	Score score = {.checks = lab->count};

	for (size_t i = 0; i < lab->count; i++) {
		const CheckRecord *check = &lab->checks[i];
		switch (check->verdict->status) {
		case VERDICT_PASS:
			score.passed++;
			score.score += check->points;
			score.max += check->points;
			break;
		case VERDICT_FAIL:
			score.failed++;
			score.max += check->points;
			break;
		case VERDICT_SKIPPED:
			score.skipped++;
			break;
		case VERDICT_NOT_JUDGED:
			score.not_judged++;
			score.max += check->points;
			break;
		}
	}
	return score;
}

void report_add(Score *sum, const Score *score)
{
	sum->checks += score->checks;
	sum->passed += score->passed;
	sum->failed += score->failed;
	sum->skipped += score->skipped;
	sum->not_judged += score->not_judged;
	sum->score += score->score;
	sum->max += score->max;
}

ReportStyle report_style_for(int fd)
{
	ReportStyle style = {.columns = 80};
	const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");
	struct winsize size;

	if (!isatty(fd))
		return style;
	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 80)
		style.columns = size.ws_col;
	style.colour = !(no_colour && *no_colour) && term && *term && strcmp(term, "dumb") != 0;
	return style;
}
