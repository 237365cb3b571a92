// half.h: a half of a pair for the SSL layer, which asks once whether a BIO is one.
//
// A half lives as long as its BIO.  NULL stands for a BIO of another kind: for it, and without a
// peer, there is nothing to read and no space.
#ifndef HANDFAST_BIO_PAIR_HALF_H
#define HANDFAST_BIO_PAIR_HALF_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/bio.h>

typedef struct hf_half hf_half;

// hf_half_of returns the half that |bio| is, joined or not; NULL for every other BIO, and for NULL.
hf_half *hf_half_of(const BIO *bio);

// These are hf_bio_peek, hf_bio_consume, hf_bio_reserve and hf_bio_produce of bio_pair.h, but that
// what hf_half_peek showed may move when anything is written.
size_t hf_half_peek(hf_half *half, uint8_t **data);
void hf_half_consume(hf_half *half, size_t len);
size_t hf_half_reserve(hf_half *half, size_t want, uint8_t **data);
void hf_half_produce(hf_half *half, size_t len);

#endif
