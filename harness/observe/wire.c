#define _GNU_SOURCE
#include "observe/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHOLE = 65600, ETHERNET = 14 };

static pcap_t *capture;
static FILE *file;

/* The first sequence number of each direction. */
typedef struct {
	in_port_t from, to;
	uint32_t first;
} Flow;

static Flow *flows;
static size_t flow_count, flow_room;

/* --- pcapng (IETF draft-ietf-opsawg-pcapng): a section, an interface, and a block a packet --- */

static void put32(uint32_t value)
{
	fwrite(&value, sizeof value, 1, file);
}

static void write_head(void)
{
	uint16_t version[2] = {1, 0};
	put32(0x0a0d0d0a); /* section header */
	put32(28);
	put32(0x1a2b3c4d); /* tells the byte order */
	fwrite(version, sizeof version, 1, file);
	put32(0xffffffff); /* length of the section: not said */
	put32(0xffffffff);
	put32(28);
	put32(1); /* interface description */
	put32(20);
	put32(DLT_EN10MB);
	put32(WHOLE);
	put32(20);
}

static void write_packet(const struct pcap_pkthdr *head, const unsigned char *bytes)
{
	static const char padding[4];
	uint64_t micro = (uint64_t)head->ts.tv_sec * 1000000 + (uint64_t)head->ts.tv_usec;
	uint32_t padded = (head->caplen + 3) & ~3U;
	put32(6); /* enhanced packet */
	put32(32 + padded);
	put32(0);
	put32((uint32_t)(micro >> 32));
	put32((uint32_t)micro);
	put32(head->caplen);
	put32(head->len);
	fwrite(bytes, 1, head->caplen, file);
	fwrite(padding, 1, padded - head->caplen, file);
	put32(32 + padded);
	fflush(file);
}

bool wire_open(const char *save, char *why, size_t why_size)
{
	char error[PCAP_ERRBUF_SIZE] = "";
	capture = pcap_create("lo", error);
	/* Each packet at once, and none lost: a burst of the largest fits. */
	bool done = capture != NULL && pcap_set_snaplen(capture, WHOLE) == 0 &&
	            pcap_set_immediate_mode(capture, 1) == 0 && pcap_set_buffer_size(capture, 16 << 20) == 0 &&
	            pcap_activate(capture) >= 0 && pcap_setnonblock(capture, 1, error) == 0 &&
	            pcap_datalink(capture) == DLT_EN10MB;
	if (!done) {
		snprintf(why, why_size, "%s", capture != NULL && *error == '\0' ? pcap_geterr(capture) : error);
		wire_close();
		return false;
	}
	if (save != NULL && (file = fopen(save, "wbe")) == NULL) {
		snprintf(why, why_size, "%s cannot be written", save);
		wire_close();
		return false;
	}
	if (file != NULL)
		write_head();
	return true;
}

void wire_close(void)
{
	if (capture != NULL)
		pcap_close(capture);
	if (file != NULL)
		fclose(file);
	capture = NULL;
	file = NULL;
}

/* From the newest back: that is where it is. */
static Flow *flow_of(in_port_t from, in_port_t to)
{
	for (size_t i = flow_count; i > 0; i--)
		if (flows[i - 1].from == from && flows[i - 1].to == to)
			return &flows[i - 1];
	return NULL;
}

/* The first number in this direction; a SYN begins anew. Where none was seen it counts as if there had been one. */
static uint32_t first_of(in_port_t from, in_port_t to, bool begins, uint32_t sequence)
{
	Flow *flow = flow_of(from, to);
	if (flow != NULL && !begins)
		return flow->first;
	if (flow == NULL && flow_count == flow_room) {
		flow_room = flow_room ? 2 * flow_room : 64;
		flows = realloc(flows, flow_room * sizeof *flows);
		if (flows == NULL)
			abort();
	}
	flow = flow != NULL ? flow : &flows[flow_count++];
	*flow = (Flow){.from = from, .to = to, .first = begins ? sequence : sequence - 1};
	return flow->first;
}

static uint32_t known_first(in_port_t from, in_port_t to, uint32_t otherwise)
{
	const Flow *flow = flow_of(from, to);
	return flow != NULL ? flow->first : otherwise;
}

static uint32_t get32(const unsigned char *at)
{
	uint32_t value;
	memcpy(&value, at, sizeof value);
	return ntohl(value);
}

static uint16_t get16(const unsigned char *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* RFC 792: an error holds the head of the packet that it is about, with the ports. Nothing in it is anybody's data. */
static void take_apart_error(const unsigned char *icmp, size_t size, WirePacket *p)
{
	enum { UNREACHABLE = 3, HEAD = 8, IP = 20 };
	const unsigned char *about = icmp + HEAD;
	p->type = icmp[0];
	p->code = icmp[1];
	if (p->type != UNREACHABLE || size < HEAD + IP)
		return;
	size_t header = (size_t)(about[0] & 15) * 4;
	if (size < HEAD + header + 4)
		return;
	p->to = get16(about + header);
	p->from = get16(about + header + 2);
}

/* RFC 793 and 768. False: cut off, or nothing that we know. */
static bool take_apart(const unsigned char *ip, size_t size, WirePacket *p)
{
	if (size < 20 || ip[0] >> 4 != 4)
		return false;
	size_t header = (size_t)(ip[0] & 15) * 4, total = get16(ip + 2);
	if (total == 0 || total > size) /* 0: larger than the field can say */
		total = size;
	p->from_address = get32(ip + 12);
	p->to_address = get32(ip + 16);
	const unsigned char *in = ip + header;
	size_t left = total > header ? total - header : 0, head = 8;
	p->icmp = ip[9] == IPPROTO_ICMP;
	p->udp = ip[9] == IPPROTO_UDP;
	if (left < 8 || (!p->icmp && !p->udp && (ip[9] != IPPROTO_TCP || left < 20)))
		return false;
	if (!p->icmp) {
		p->from = get16(in);
		p->to = get16(in + 2);
	} else {
		take_apart_error(in, left, p);
	}
	if (!p->udp && !p->icmp) {
		head = (size_t)(in[12] >> 4) * 4;
		p->flags = in[13];
		uint32_t sequence = get32(in + 4);
		p->sequence = sequence - first_of(p->from, p->to, p->flags & WIRE_SYN, sequence);
		uint32_t ack = get32(in + 8);
		p->acknowledged = p->flags & WIRE_ACK ? ack - known_first(p->to, p->from, ack) : 0;
		p->window = get16(in + 14);
	}
	p->size = left > head && !p->icmp ? left - head : 0;
	p->data = in + head;
	p->data_size = p->size;
	return true;
}

bool wire_next(WirePacket *packet)
{
	struct pcap_pkthdr *head;
	const unsigned char *bytes;
	while (capture != NULL && pcap_next_ex(capture, &head, &bytes) == 1) {
		*packet = (WirePacket){.at = (double)head->ts.tv_sec + (double)head->ts.tv_usec / 1e6};
		if (head->caplen < ETHERNET || get16(bytes + 12) != 0x0800 ||
		    !take_apart(bytes + ETHERNET, head->caplen - ETHERNET, packet))
			continue;
		if (file != NULL)
			write_packet(head, bytes);
		return true;
	}
	return false;
}

bool wire_wait(int milliseconds)
{
	struct pollfd wait = {.fd = capture != NULL ? pcap_get_selectable_fd(capture) : -1, .events = POLLIN};
	int ready;
	do
		ready = wait.fd == -1 ? 0 : poll(&wait, 1, milliseconds);
	while (ready == -1 && errno == EINTR);
	return ready > 0;
}

const char *wire_flags(unsigned flags, char *text)
{
	static const struct {
		unsigned bit;
		const char *name;
	} names[] = {{WIRE_SYN, "SYN"}, {WIRE_FIN, "FIN"}, {WIRE_RST, "RST"}, {WIRE_PSH, "PSH"}, {WIRE_ACK, "ACK"}};
	text[0] = '\0';
	for (size_t i = 0, used = 0; i < sizeof names / sizeof *names; i++)
		if (flags & names[i].bit)
			used += (size_t)snprintf(text + used, 40 - used, "%s%s", used ? ", " : "", names[i].name);
	return text;
}
