/*
 * netns: sockets in another network namespace (namespaces(7)), so that a
 * container's own addresses can be asked from outside.
 */
#ifndef GANTRY_NET_NETNS_H
#define GANTRY_NET_NETNS_H

/* socket(2) in the namespace behind this descriptor; -1 with errno.  Takes
 * CAP_SYS_ADMIN.  This thread's own namespace stays what it is. */
int netns_socket(int netns, int family, int type, int protocol);

#endif
