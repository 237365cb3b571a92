/* words.pml: who takes part, which sessions there are, and what the bits of a message's content say. */

/* ---- who, and the sessions that there are ---- */

#define SERVER_ID 1
#define CLIENT_ID 2
#define MALLORY 3 /* the attacker: it too has a certificate, for its own name */

/* 1, 2: of the client and the server, TLS 1.3, with suites 1 and 2; 3: TLS 1.2.  4, 5: of Mallory and the
 * server, TLS 1.3 and 1.2.  6, 7: of the client and Mallory.  The client showed its certificate in 1 and 3. */
#define PSK_VERSION(p) ((p) == 3 || (p) == 5 || (p) == 7 -> 2 : 1)
#define PSK_SUITE(p) ((p) == 2 -> 2 : 1)
#define PSK_KNOWN(p) ((p) == 0 || (p) >= 4)
#define PSK_HONEST(p) ((p) >= 1 && (p) <= 3)
#define PSK_OF_SERVER(p) ((p) >= 1 && (p) <= 5)
#define PSK_CERT(p) ((p) == 1 || (p) == 3)

/* ---- what messages say ---- */

/* ClientHello: versions; suites (0: 1 and 3; 1: 1 and 2); the group of its share, and whether that and the
 * random are the attacker's; a session, as a ticket of TLS 1.2, with early data; compression. */
#define HELLO(versions, suites, group, share, random, session, ticket, early_data, compress) \
  ((versions) + (suites) * 4 + (group) * 8 + (share) * 32 + (random) * 64 + (session) * 128 + \
   (ticket) * 1024 + (early_data) * 2048 + (compress) * 4096)
#define H_VERSIONS(h) ((h) & 3)
#define H_SUITES(h) ((h) >> 2 & 1)
#define H_GROUP(h) ((h) >> 3 & 3)
#define H_FOREIGN(h) ((h) >> 5 & 1)
#define H_RANDOM(h) (((h) >> 6 & 1) + 1)
#define H_PSK(h) ((h) >> 7 & 7)
#define H_BY_TICKET(h) ((h) >> 10 & 1)
#define H_EARLY(h) ((h) >> 11 & 1)
#define H_COMPRESS(h) ((h) >> 12 & 1)
#define H_WITH(h, without, with) (((h) & ~(without)) | (with)) /* changed */
#define H_KEPT(h) ((h) & HELLO(3, 1, 0, 0, 1, 0, 0, 0, 1)) /* what a second one repeats */
#define OFFERS(suites, number) ((number) == 1 || (number) == ((suites) -> 2 : 3))

/* HelloRetryRequest: the suite, the group that is asked for. */
#define RETRY(suite, group) ((suite) * 2 + (group) * 8)

/* ServerHello: of TLS 1.2; suite; group, and whether the share is the attacker's; whose random (2: the
 * attacker's, 3: the server's, 4: with the downgrade sentinel); resumed; TLS 1.2: a ticket, a status. */
#define REPLY(is_12, suite, group, share, random, resumed, ticket, status) \
  ((is_12) + (suite) * 2 + (group) * 8 + (share) * 32 + (random) * 64 + (resumed) * 512 + \
   (ticket) * 1024 + (status) * 2048)
#define R_IS_12 (rx_c & 1)
#define R_SUITE (rx_c >> 1 & 3)
#define R_GROUP (rx_c >> 3 & 3)
#define R_FOREIGN (rx_c >> 5 & 1)
#define R_RANDOM (rx_c >> 6 & 7)
#define R_RESUMED (rx_c >> 9 & 1)
#define R_TICKET (rx_c >> 10 & 1)
#define R_STATUS (rx_c >> 11 & 1)
