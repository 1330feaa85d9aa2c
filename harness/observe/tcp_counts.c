#include "observe/tcp_counts.h"

#include <linux/tcp.h>
#include <string.h>

void tcp_counts_read(Socket *s, const void *info, size_t size)
{
	struct tcp_info counts;
	if (size < offsetof(struct tcp_info, tcpi_bytes_retrans) + sizeof counts.tcpi_bytes_retrans)
		return;
	memset(&counts, 0, sizeof counts);
	memcpy(&counts, info, size < sizeof counts ? size : sizeof counts);
	s->counted = true;
	s->sent = counts.tcpi_bytes_sent - counts.tcpi_bytes_retrans;
	s->received = counts.tcpi_bytes_received;
	s->unsent = counts.tcpi_notsent_bytes;
	s->window = counts.tcpi_snd_wnd;
}
