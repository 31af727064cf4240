#include "blocks.h"
#include "file_blocks.h"

/* Bytes of a packed group for one of the type's blocks (1 element for floats). */
static size_t block_group_bytes(ck_type type)
{
    switch (type) {
    case CK_F32: return 4 * CK_GROUP;
    case CK_F16:
    case CK_BF16: return 2 * CK_GROUP;
    case CK_Q8_0: return CK_Q8_0_GROUP;
    case CK_IQ4_NL:
    case CK_Q4_0: return CK_Q4_0_GROUP;
    case CK_Q4_1: return CK_Q4_1_GROUP;
    case CK_Q5_0: return CK_Q5_0_GROUP;
    case CK_Q5_1: return CK_Q5_1_GROUP;
    case CK_Q2_K: return CK_Q2_K_GROUP;
    case CK_Q3_K: return CK_Q3_K_GROUP;
    case CK_Q4_K: return CK_Q4_K_GROUP;
    case CK_Q5_K: return CK_Q5_K_GROUP;
    case CK_Q6_K: return CK_Q6_K_GROUP;
    case CK_Q8_K: return CK_Q8_K_GROUP;
    case CK_IQ4_XS: return CK_IQ4_XS_GROUP;
    case CK_TQ1_0:
    case CK_TQ2_0: return CK_TQ2_0_GROUP;
    }
    return 0;
}

/* Elements and bytes of a block in the file. */
typedef struct {
    size_t elements, bytes;
} block_size;

static block_size file_block(ck_type type)
{
    switch (type) {
    case CK_F32: return (block_size){1, 4};
    case CK_F16:
    case CK_BF16: return (block_size){1, 2};
    case CK_Q8_0: return (block_size){CK_BLOCK, CK_Q8_0_BYTES};
    case CK_Q4_0: return (block_size){CK_BLOCK, CK_Q4_0_BYTES};
    case CK_Q4_1: return (block_size){CK_BLOCK, CK_Q4_1_BYTES};
    case CK_Q5_0: return (block_size){CK_BLOCK, CK_Q5_0_BYTES};
    case CK_Q5_1: return (block_size){CK_BLOCK, CK_Q5_1_BYTES};
    case CK_IQ4_NL: return (block_size){CK_BLOCK, CK_IQ4_NL_BYTES};
    case CK_Q2_K: return (block_size){CK_SUPER_BLOCK, CK_Q2_K_BYTES};
    case CK_Q3_K: return (block_size){CK_SUPER_BLOCK, CK_Q3_K_BYTES};
    case CK_Q4_K: return (block_size){CK_SUPER_BLOCK, CK_Q4_K_BYTES};
    case CK_Q5_K: return (block_size){CK_SUPER_BLOCK, CK_Q5_K_BYTES};
    case CK_Q6_K: return (block_size){CK_SUPER_BLOCK, CK_Q6_K_BYTES};
    case CK_Q8_K: return (block_size){CK_SUPER_BLOCK, CK_Q8_K_BYTES};
    case CK_IQ4_XS: return (block_size){CK_SUPER_BLOCK, CK_IQ4_XS_BYTES};
    case CK_TQ1_0: return (block_size){CK_SUPER_BLOCK, CK_TQ1_0_BYTES};
    case CK_TQ2_0: return (block_size){CK_SUPER_BLOCK, CK_TQ2_0_BYTES};
    }
    return (block_size){1, 0};
}

size_t ck_group_bytes(ck_type type, size_t k)
{
    return k / file_block(type).elements * block_group_bytes(type);
}

/* Copies `count` pieces of `size` bytes of one row, 16 pieces apart; `flip` is xor-ed to each byte. */
static void spread(size_t count, size_t size, uint8_t flip, const uint8_t *from, uint8_t *to)
{
    for (size_t i = 0; i < count; i++, from += size, to += CK_GROUP * size)
        for (size_t byte = 0; byte < size; byte++) to[byte] = from[byte] ^ flip;
}

/* The row's part of the nibbles, pairs, triples or fives (blocks.h) of 32 codes, four of which are a word. */
static uint32_t word(const uint8_t *codes, size_t step)
{
    uint32_t four;
    memcpy(&four, codes + 4 * step, sizeof four);
    return four;
}

static void put_pairs(const uint8_t codes[CK_BLOCK], uint8_t *to)
{
    for (size_t i = 0; i < 2; i++, codes += CK_BLOCK / 4, to += CK_STEP_BYTES) {
        uint32_t four = word(codes, 0) | word(codes, 4) << 2 | word(codes, 1) << 4 | word(codes, 5) << 6;
        memcpy(to, &four, sizeof four);
    }
}

static void put_triples(const uint8_t codes[CK_BLOCK], uint8_t *to)
{
    for (size_t i = 0; i < 3; i++, to += CK_STEP_BYTES) {
        uint32_t sixth = word(codes, 6) >> i & 0x01010101, seventh = word(codes, 7) >> i & 0x01010101;
        uint32_t three = word(codes, 2 * i) | word(codes, 2 * i + 1) << 4 | sixth << 3 | seventh << 7;
        memcpy(to, &three, sizeof three);
    }
}

static void put_fives(const uint8_t codes[CK_BLOCK], uint8_t *to)
{
    uint32_t five = word(codes, 5), six = word(codes, 6), seven = word(codes, 7);
    const uint32_t above[5] = {
        five & 0x07070707,
        (five >> 3 & 0x03030303) | (seven >> 4 & 0x01010101) << 2,
        six & 0x07070707,
        (six >> 3 & 0x03030303) | (seven >> 3 & 0x01010101) << 2,
        seven & 0x07070707,
    };
    for (size_t i = 0; i < 5; i++, to += CK_STEP_BYTES) {
        uint32_t all = word(codes, i) | above[i] << 5;
        memcpy(to, &all, sizeof all);
    }
}

/* One row of one block of 32: `steps` is where the row's pieces of 4 bytes go, `halves` where those of 2. */
static void pack_block(ck_type type, size_t row, const uint8_t *from, uint8_t *group)
{
    uint8_t *halves = group + 2 * row, *steps = group + 4 * row, codes[CK_BLOCK];
    switch (type) {
    case CK_F32: spread(1, 4, 0, from, steps); return;
    case CK_F16:
    case CK_BF16: spread(1, 2, 0, from, halves); return;
    case CK_Q8_0:
        spread(1, 2, 0, from, halves);
        spread(CK_STEPS, 4, 0x80, from + 2, steps + 2 * CK_GROUP);
        return;
    case CK_Q4_0:
    case CK_IQ4_NL:
        spread(1, 2, 0, from, halves);
        spread(CK_STEPS / 2, 4, 0, from + 2, steps + 2 * CK_GROUP);
        return;
    case CK_Q4_1:
        spread(2, 2, 0, from, halves);
        spread(CK_STEPS / 2, 4, 0, from + 4, steps + 4 * CK_GROUP);
        return;
    case CK_Q5_0:
    case CK_Q5_1: {
        size_t scales = type == CK_Q5_0 ? 1 : 2;
        spread(scales, 2, 0, from, halves);
        ck_read_nibbles(CK_BLOCK, CK_BLOCK / 2, from + 2 * scales + 4, codes);
        ck_add_bits(from + 2 * scales, 4, codes);
        put_fives(codes, steps + 2 * scales * CK_GROUP);
        return;
    }
    default: assert(!"a type of blocks of 256");
    }
}

/* The codes of 256, part by part. */
static void pack_pairs(const uint8_t codes[CK_SUPER_BLOCK], uint8_t *to)
{
    for (size_t part = 0; part < CK_PARTS; part++) put_pairs(codes + part * CK_BLOCK, to + part * CK_PAIRS_GROUP);
}

static void pack_triples(const uint8_t codes[CK_SUPER_BLOCK], uint8_t *to)
{
    for (size_t part = 0; part < CK_PARTS; part++) put_triples(codes + part * CK_BLOCK, to + part * CK_TRIPLES_GROUP);
}

static void pack_fives(const uint8_t codes[CK_SUPER_BLOCK], uint8_t *to)
{
    for (size_t part = 0; part < CK_PARTS; part++) put_fives(codes + part * CK_BLOCK, to + part * CK_FIVES_GROUP);
}

/* One row of one block of 256. */
static void pack_super_block(ck_type type, size_t row, const uint8_t *from, uint8_t *group)
{
    uint8_t *halves = group + 2 * row, *steps = group + 4 * row, codes[CK_SUPER_BLOCK], scales[16];
    switch (type) {
    case CK_Q2_K:
        for (size_t i = 0; i < 2; i++) {
            float unit = ck_from_f16(ck_load_u16(from + 80 + 2 * i)) * (i == 0 ? 1.0f : 1.0f / 16);
            memcpy(steps + 4 * i * CK_GROUP, &unit, sizeof unit);
        }
        /* Of two parts the first halves, then the second ones. */
        for (size_t i = 0; i < 16; i++) scales[i / 4 * 4 + i % 2 * 2 + i / 2 % 2] = from[i];
        spread(4, 4, 0, scales, steps + 8 * CK_GROUP);
        ck_read_pairs(from + 16, codes);
        pack_pairs(codes, steps + 24 * CK_GROUP);
        return;
    case CK_Q3_K:
        for (size_t i = 0; i < 16; i++) scales[i] = (uint8_t)ck_q3_k_scale(from + 96, i);
        spread(1, 2, 0, from + 108, halves);
        spread(CK_PARTS, 2, 0, scales, halves + 2 * CK_GROUP);
        ck_read_q3_k(from, codes);
        pack_triples(codes, steps + 18 * CK_GROUP);
        return;
    case CK_Q4_K:
        spread(2, 2, 0, from, halves);
        spread(12, 1, 0, from + 4, group + 4 * CK_GROUP + row);
        spread(32, 4, 0, from + 16, steps + 16 * CK_GROUP);
        return;
    case CK_Q5_K:
        spread(2, 2, 0, from, halves);
        spread(12, 1, 0, from + 4, group + 4 * CK_GROUP + row);
        ck_read_nibbles(CK_SUPER_BLOCK, 32, from + 48, codes);
        ck_add_planes(from + 16, 4, codes);
        pack_fives(codes, steps + 16 * CK_GROUP);
        return;
    case CK_Q6_K:
        /* In the file: 128 bytes of lower bits, 64 of upper bits, 16 scales, d. */
        spread(1, 2, 0, from + 208, halves);
        spread(16, 1, 0, from + 192, group + 2 * CK_GROUP + row);
        spread(48, 4, 0, from, steps + 18 * CK_GROUP);
        return;
    case CK_Q8_K:
        spread(1, 4, 0, from, steps);
        spread(CK_PARTS * CK_STEPS, 4, 0x80, from + 4, steps + 4 * CK_GROUP);
        return;
    case CK_IQ4_XS:
        for (size_t i = 0; i < CK_PARTS; i++) scales[i] = (uint8_t)ck_iq4_xs_scale(from, i);
        spread(1, 2, 0, from, halves);
        spread(CK_PARTS, 1, 0, scales, group + 2 * CK_GROUP + row);
        spread(CK_PARTS * CK_STEPS / 2, 4, 0, from + 8, steps + (2 + CK_PARTS) * CK_GROUP);
        return;
    case CK_TQ1_0:
    case CK_TQ2_0:
        spread(1, 2, 0, from + (type == CK_TQ1_0 ? 52 : 64), halves);
        if (type == CK_TQ1_0) ck_read_tq1_0(from, codes);
        else ck_read_pairs(from, codes);
        pack_pairs(codes, steps + 2 * CK_GROUP);
        return;
    default: assert(!"a type of blocks of 32");
    }
}

void ck_pack(ck_type type, size_t rows, size_t k, size_t row_bytes, const void *w, void *group)
{
    assert(rows <= CK_GROUP);
    if (rows < CK_GROUP) memset(group, 0, ck_group_bytes(type, k));
    size_t group_bytes = block_group_bytes(type);
    block_size block = file_block(type);
    for (size_t row = 0; row < rows; row++) {
        const uint8_t *from = (const uint8_t *)w + row * row_bytes;
        uint8_t *to = group;
        for (size_t b = 0; b < k / block.elements; b++, from += block.bytes, to += group_bytes) {
            if (block.elements == CK_SUPER_BLOCK) pack_super_block(type, row, from, to);
            else pack_block(type, row, from, to);
        }
    }
}
