/*
 * datagrams.h: whether a datagram is on its way.
 *
 * A datagram is not acknowledged, and no socket knows that one is coming. As a rule sendto() itself carries it over the
 * loopback to the other socket before it returns; but on a busy machine, or where the packets of `lo` are spread over
 * several CPUs, the kernel may put that off (ksoftirqd), and then everybody sleeps and yet somebody will be woken.
 *
 * The fact that tells. `lo` counts each packet when it is put into the queue (dev_lstats_add() in
 * loopback_xmit(), drivers/net/loopback.c). IP counts it as delivered when the protocol's handler has *returned*
 * (IPSTATS_MIB_INDELIVERS in ip_protocol_deliver_rcu(), net/ipv4/ip_input.c, and ip6_protocol_deliver_rcu(),
 * net/ipv6/ip6_input.c), and by then udp_rcv() has put it into the socket's queue and has woken who waits for it, or
 * has thrown it away, or has sent an ICMP error, which is a packet of its own. So packets of `lo` less packets
 * delivered is what is on its way, and besides what was lost in between and never will be delivered (a header that
 * makes no sense, a fragment). In a new network namespace all of it is zero. The delivered ones are read first:
 * what happens between the two readings can only make the difference bigger. (The length of the queues in
 * /proc/net/softnet_stat would not do: a packet that is being handled is in no queue.)
 *
 * If the difference is not what it was when nothing was on its way, something is, or was lost; and where other interfaces
 * receive (the shared room) it says nothing. Then, if it is still so at the next call, marks tell: a datagram of our own to ourselves on each CPU. A CPU's queue keeps its order
 * (process_backlog(), net/core/dev.c), so when the mark has come all before it has; twice, for an ICMP
 * error stands behind the datagram that it is about. Where packets are spread over CPUs (rps_cpus) marks prove less.
 *
 * Time: 0.03 ms; with marks 0.1 ms for each CPU, and on a busy machine a turn on each.
 */
#ifndef OBSERVE_DATAGRAMS_H
#define OBSERVE_DATAGRAMS_H

#include <stdbool.h>
#include <stdint.h>

/* Zero at the start. */
typedef struct {
	int64_t lost;    /* packets of `lo` that were never delivered, when we last knew it for certain */
	int64_t last;    /* the difference at the last call */
	int64_t packets; /* of `lo`, at the last call */
	unsigned marks;  /* how often they were needed */
} Datagrams;

/* All packets that were sent before this call, in this thread's network namespace, have been delivered or lost. */
bool datagrams_have_landed(Datagrams *d);

/* Packets of `lo`, and those of them that were not delivered, as it is now; false: that is not to be had here. */
bool datagrams_count(int64_t *packets, int64_t *difference);

#endif
