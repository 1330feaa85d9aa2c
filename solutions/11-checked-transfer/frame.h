/*
 * frame.h: messages with their length in front.
 *
 * A frame is a 4-byte unsigned length N in network byte order, then N bytes; N is at most FRAME_MAX, and may be 0.
 * The descriptors are connected stream sockets.
 *
 * Errors: what returns -1 has set errno. A signal is no error (EINTR is gone on from), a short send() or recv() is none
 * either, and a peer that is gone gives EPIPE or ECONNRESET and never a signal. After an error the stream is out of
 * step: nobody knows any more where the next frame begins. Hang up.
 */
#ifndef FRAME_H
#define FRAME_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FRAME_MAX 65536

/* Sends all of it, however little of it each send() takes. Returns 0, or -1. */
int send_all(int fd, const void *data, size_t size);

/*
 * Receives exactly `size` bytes, in however many pieces they come, and not one that lies behind them.
 * Returns size; 0 if the stream ended before the first byte; -1 on error (an end inside: ECONNRESET).
 */
ssize_t recv_exact(int fd, void *data, size_t size);

/* Sends one frame. Returns 0, or -1 (more than FRAME_MAX bytes: EMSGSIZE, and nothing is sent). */
int send_frame(int fd, const void *payload, uint32_t size);

/*
 * Receives one frame, and puts its payload where there is room for `capacity` bytes. Returns the payload's size, 0 too; or -1:
 *   EMSGSIZE    a length over FRAME_MAX, or over capacity: nothing behind the header is waited for
 *   ECONNRESET  the stream ended inside the frame
 *   ENODATA     the stream ended where a frame would have begun: they hung up
 */
ssize_t recv_frame(int fd, void *payload, size_t capacity);

#endif
