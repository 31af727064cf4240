// Compares a table of kernels with the scalar one, bit for bit, over shapes, tails and hostile values.
//   kernel_tables ISA     ends with 0 where all agree, 1 where not, 2 where this CPU does not run that table
// deploy/checks/neon builds it for arm64. Tables of x86 are compared by Tests/KernelsTests.
#include "kernel_tables.h"

static const ck_table *scalar, *other;

// The slots that were compared, by their place in ck_table.
static unsigned char was_compared[sizeof(ck_table) / sizeof(void *)];
#define SLOT(slot) (was_compared[offsetof(ck_table, slot) / sizeof(void *)] = 1, #slot)
#define COUNT(array) (sizeof(array) / sizeof *(array))

static const size_t heads_of_test[] = {1, 2, 3, 4, 7}, dims[] = {1, 7, 8, 33, 64, 80, 128};
static const size_t counts[] = {1, 3, 4, 7, 8, 9, 17, 70};

// A type of weights: bytes and elements of a block, where its f16 scales stand, and what activations are rounded for.
typedef struct {
    const char *name;
    ck_type type;
    size_t slot, bytes, elements, scales[2];
    int32_t zero;
    size_t span;
} weight_type;

#define BLOCKS(TYPE, slot, ...) {SLOT_NAME(slot), CK_##TYPE, offsetof(ck_table, slot), __VA_ARGS__}
#define SLOT_NAME(slot) #slot
static const weight_type types[] = {
    BLOCKS(F32, multiply_f32, 4, 1, {0, 0}, 0, 0),
    BLOCKS(F16, multiply_f16, 2, 1, {0, 0}, 0, 0),
    BLOCKS(BF16, multiply_bf16, 2, 1, {0, 0}, 0, 0),
    BLOCKS(Q8_0, multiply_q8_0, 34, 32, {0, 0}, 128, 32),
    BLOCKS(Q4_0, multiply_q4_0, 18, 32, {0, 0}, 8, 32),
    BLOCKS(Q4_1, multiply_q4_1, 20, 32, {0, 2}, 0, 32),
    BLOCKS(Q5_0, multiply_q5_0, 22, 32, {0, 0}, 16, 32),
    BLOCKS(Q5_1, multiply_q5_1, 24, 32, {0, 2}, 0, 32),
    BLOCKS(IQ4_NL, multiply_iq4_nl, 18, 32, {0, 0}, 128, 32),
    BLOCKS(Q2_K, multiply_q2_k, 84, 256, {80, 82}, 1, 16),
    BLOCKS(Q3_K, multiply_q3_k, 110, 256, {108, 108}, 4, 16),
    BLOCKS(Q4_K, multiply_q4_k, 144, 256, {0, 2}, 0, 32),
    BLOCKS(Q5_K, multiply_q5_k, 176, 256, {0, 2}, 0, 32),
    BLOCKS(Q6_K, multiply_q6_k, 210, 256, {208, 208}, 32, 16),
    BLOCKS(Q8_K, multiply_q8_k, 292, 256, {2, 2}, 128, 32),
    BLOCKS(IQ4_XS, multiply_iq4_xs, 136, 256, {0, 0}, 128, 32),
    BLOCKS(TQ2_0, multiply_tq2_0, 66, 256, {64, 64}, 1, 32),
    BLOCKS(TQ1_0, multiply_tq2_0, 54, 256, {52, 52}, 1, 32),
};

// Any bytes at all, or such with tame scales, or with all codes the same.
static void fill_weights(const weight_type *type, size_t blocks, uint8_t *w) {
    size_t kind = random_below(4);
    uint8_t same = (const uint8_t[]){0x00, 0x7F, 0x80, 0xFF}[random_below(4)];
    fill_bytes(blocks * type->bytes, w);
    if (kind == 0) return;
    for (size_t b = 0; b < blocks; b++, w += type->bytes) {
        if (type->elements == 1) {
            w[type->bytes - 1] &= 0xBF; // below 2 in magnitude
            continue;
        }
        if (kind == 1) memset(w, same, type->bytes);
        for (size_t i = 0; i < 2; i++) {
            uint16_t scale = (uint16_t)(0x3000 + random_below(0x0800) + (random_bits() & 0x8000));
            memcpy(w + type->scales[i], &scale, sizeof scale);
        }
    }
}

// A product with blocks, which the table packs if it does.
static void multiply_rows(const ck_table *table, ck_multiply_blocks_fn *multiply, size_t rows, size_t m, size_t k,
                          const void *w, const ck_block *blocks, const float *bias, float *y) {
    size_t room = (rows + table->packed_rows - 1) / table->packed_rows * table->packed_rows;
    ck_block *side_by_side = guarded(7, room * k / 32 * sizeof *side_by_side);
    table->pack_rows(rows, k / 32, blocks, k / 32, side_by_side);
    multiply(rows, m, k, w, blocks, k / 32, side_by_side, bias, y, m);
}

static void compare_product(const weight_type *type, size_t rows, size_t m, size_t k) {
    size_t row_bytes = k / type->elements * type->bytes, group_bytes = ck_group_bytes(type->type, k);
    uint8_t *w = guarded(0, m * row_bytes), *packed = guarded(1, (m + CK_GROUP - 1) / CK_GROUP * group_bytes);
    fill_weights(type, m * k / type->elements, w);
    for (size_t j = 0; j < m; j += CK_GROUP)
        ck_pack(type->type, m - j < CK_GROUP ? m - j : CK_GROUP, k, row_bytes, w + j * row_bytes,
                packed + j / CK_GROUP * group_bytes);
    const float *x = floats(2, any_sample(), rows * k), *bias = random_bits() & 1 ? floats(3, ORDINARY, m) : NULL;
    float *results[2] = {floats(4, ORDINARY, rows * m), floats(5, ORDINARY, rows * m)};
    ck_block *blocks = guarded(6, rows * k / 32 * sizeof *blocks);
    for (size_t r = 0; r < rows && type->elements > 1; r++)
        scalar->quantize(k, type->zero, type->span, x + r * k, blocks + r * (k / 32));
    for (size_t t = 0; t < 2; t++) {
        const ck_table *table = t == 0 ? scalar : other;
        const uint8_t *slot = (const uint8_t *)table + type->slot;
        ck_multiply_floats_fn *multiply_floats;
        ck_multiply_blocks_fn *multiply_blocks;
        memcpy(&multiply_floats, slot, sizeof multiply_floats);
        memcpy(&multiply_blocks, slot, sizeof multiply_blocks);
        if (type->elements == 1) multiply_floats(rows, m, k, packed, x, k, bias, results[t], m);
        else multiply_rows(table, multiply_blocks, rows, m, k, packed, blocks, bias, results[t]);
    }
    was_compared[type->slot / sizeof(void *)] = 1;
    same_floats(type->name, rows * m, results[1], results[0]);
}

static void compare_products(void) {
    static const size_t outputs[] = {1, 7, 16, 17, 33}, lengths[] = {0, 1, 2, 3};
    for (size_t t = 0; t < COUNT(types); t++)
        for (size_t rows = 0; rows < 10; rows++)
            for (size_t j = 0; j < COUNT(outputs); j++)
                for (size_t i = 0; i < COUNT(lengths); i++)
                    compare_product(&types[t], rows, outputs[j],
                                    lengths[i] * types[t].elements * (types[t].elements == 1 ? 11 : 1));
}

static void compare_quantize(void) {
    static const int32_t zeros[] = {0, 1, 4, 8, 16, 32, 128};
    for (size_t kind = 0; kind < SAMPLES; kind++)
        for (size_t z = 0; z < COUNT(zeros); z++)
            for (size_t span = 16; span <= 32; span += 16) {
                const float *x = floats(0, (enum sample)kind, 96);
                ck_block *expected = guarded(1, 3 * sizeof *expected), *found = guarded(2, 3 * sizeof *found);
                scalar->quantize(96, zeros[z], span, x, expected);
                other->quantize(96, zeros[z], span, x, found);
                for (size_t b = 0; b < 3; b++) {
                    same_floats(SLOT(quantize), 2, &found[b].scale, &expected[b].scale);
                    if (memcmp(found[b].start, expected[b].start, sizeof *found - offsetof(ck_block, start)) != 0)
                        differs("quantize: integers", b, 0, 0);
                }
            }
}

// Rows as a cache of the type holds them, of numbers or of any bits.
enum storage { ROWS_F32, ROWS_F16, ROWS_BF16, ROWS_Q8, ROWS_Q4, STORAGES };

static const uint8_t *cached_rows(size_t place, enum storage type, size_t n, size_t d) {
    size_t padded = (d + 31) / 32 * 32;
    size_t bytes[] = {4 * d, 2 * d, 2 * d, padded / 32 * 34, padded / 32 * 18};
    uint8_t *rows = guarded(place, n * bytes[type]);
    const float *x = floats(7, any_sample(), n * d);
    if (type == ROWS_F32) memcpy(rows, x, n * d * sizeof *x);
    else if (random_below(3) == 0) fill_bytes(n * bytes[type], rows);
    else if (type == ROWS_F16) scalar->to_f16(n * d, x, (uint16_t *)rows);
    else if (type == ROWS_BF16) scalar->to_bf16(n * d, x, (uint16_t *)rows);
    else if (type == ROWS_Q8) scalar->to_q8_rows(n, d, x, rows);
    else scalar->to_q4_rows(n, d, x, rows);
    return rows;
}

static void compare_logits(size_t heads, size_t n, size_t d) {
    for (size_t type = 0; type < STORAGES; type++) {
        const uint8_t *keys = cached_rows(0, (enum storage)type, n, d);
        const float *q = floats(1, any_sample(), heads * d);
        size_t blocks = (d + 31) / 32;
        ck_block *rounded = guarded(2, heads * blocks * sizeof *rounded);
        for (size_t g = 0; g < heads; g++) {
            float row[128] = {0};
            memcpy(row, q + g * d, d * sizeof *row);
            scalar->quantize(32 * blocks, type == ROWS_Q4 ? 8 : 128, 32, row, rounded + g * blocks);
        }
        float *results[2] = {floats(3, ZEROS, heads * n), floats(4, ZEROS, heads * n)};
        const char *name = "";
        for (size_t t = 0; t < 2; t++) {
            const ck_table *table = t == 0 ? scalar : other;
            float *y = results[t];
#define CASE(STORED, slot, query, stride)                                                                   \
    case STORED: name = SLOT(slot), table->slot(heads, n, d, 0.3f, query, stride, keys, y, n, y); break
            switch (type) {
                CASE(ROWS_F32, attention_logits_f32, q, d);
                CASE(ROWS_F16, attention_logits_f16, q, d);
                CASE(ROWS_BF16, attention_logits_bf16, q, d);
                CASE(ROWS_Q8, attention_logits_q8, rounded, blocks);
                CASE(ROWS_Q4, attention_logits_q4, rounded, blocks);
            }
#undef CASE
        }
        same_floats(name, heads * n, results[1], results[0]);
    }
}

static void compare_tiles(size_t rows, size_t n, size_t d) {
    size_t whole = (n + CK_KEY_TILE - 1) / CK_KEY_TILE * CK_KEY_TILE;
    float *tiles = guarded(0, whole * d * sizeof *tiles);
    scalar->tile_keys_f32(n, d, floats(1, any_sample(), n * d), tiles);
    const float *q = floats(2, any_sample(), rows * d);
    float *results[2] = {floats(3, ZEROS, rows * whole), floats(4, ZEROS, rows * whole)};
    scalar->tile_logits_f32(rows, n, d, 0.3f, q, d, tiles, results[0], whole);
    other->tile_logits_f32(rows, n, d, 0.3f, q, d, tiles, results[1], whole);
    for (size_t r = 0; r < rows; r++)
        same_floats(SLOT(tile_logits_f32), n, results[1] + r * whole, results[0] + r * whole);
}

static void compare_weighted_sums(size_t heads, size_t n, size_t d) {
    for (size_t type = 0; type < STORAGES; type++) {
        const uint8_t *values = cached_rows(0, (enum storage)type, n, d);
        const float *p = floats(1, any_sample(), heads * n);
        float *results[2] = {floats(2, ORDINARY, heads * d), guarded(3, heads * d * sizeof(float))};
        memcpy(results[1], results[0], heads * d * sizeof(float));
        int accumulate = random_bits() & 1;
        const char *name = "";
        for (size_t t = 0; t < 2; t++) {
            const ck_table *table = t == 0 ? scalar : other;
            float *y = results[t];
#define CASE(STORED, slot)                                                                                  \
    case STORED: name = SLOT(slot), table->slot(heads, n, d, p, n, values, accumulate, y, d, y); break
            switch (type) {
                CASE(ROWS_F32, weighted_sum_f32);
                CASE(ROWS_F16, weighted_sum_f16);
                CASE(ROWS_BF16, weighted_sum_bf16);
                CASE(ROWS_Q8, weighted_sum_q8);
                CASE(ROWS_Q4, weighted_sum_q4);
            }
#undef CASE
        }
        same_floats(name, heads * d, results[1], results[0]);
    }
}

static void compare_noisy_sums(size_t heads, size_t n, size_t kind) {
    float *rows[2] = {floats(0, any_sample(), heads * n), guarded(1, heads * n * sizeof(float))};
    memcpy(rows[1], rows[0], heads * n * sizeof(float));
    int32_t *positions = guarded(2, n * sizeof *positions);
    for (size_t j = 0; j < n; j++) positions[j] = (int32_t)random_below(500);
    const float *noise = floats(3, ORDINARY, heads * 500 + CK_NOISE_SLACK);
    float maxima[2][8], sums[2][8];
    for (size_t t = 0; t < 2; t++)
        (t == 0 ? scalar : other)->noisy_exp_sums_f32(heads, n, 0.7f, kind == 0 ? NULL : noise, n,
                                                      kind == 1 ? positions : NULL, rows[t], n, maxima[t], sums[t], 1,
                                                      NULL);
    same_floats(SLOT(noisy_exp_sums_f32), heads * n, rows[1], rows[0]);
    same_floats("noisy_exp_sums_f32: sums", heads, sums[1], sums[0]);
    for (size_t h = 0; h < heads; h++)
        if (maxima[0][h] != maxima[1][h]) differs("noisy_exp_sums_f32: maxima", h, maxima[1][h], maxima[0][h]);
    float *totals[2] = {floats(2, ORDINARY, n), guarded(4, n * sizeof(float))};
    memcpy(totals[1], totals[0], n * sizeof(float));
    for (size_t t = 0; t < 2; t++)
        (t == 0 ? scalar : other)->add_rows_f32(heads, n, noise, 1, rows[0], n, totals[t]);
    same_floats(SLOT(add_rows_f32), n, totals[1], totals[0]);
}

static void compare_attention(void) {
    for (size_t h = 0; h < COUNT(heads_of_test); h++)
        for (size_t i = 0; i < COUNT(counts); i++) {
            for (size_t j = 0; j < COUNT(dims); j++) {
                compare_logits(heads_of_test[h], counts[i], dims[j]);
                compare_tiles(heads_of_test[h], counts[i], dims[j]);
                compare_weighted_sums(heads_of_test[h], counts[i], dims[j]);
            }
            for (size_t kind = 0; kind < 3; kind++) compare_noisy_sums(heads_of_test[h], counts[i], kind);
        }
}

// In all, what is done to single vectors.
static void compare_elements(enum sample kind, size_t n) {
    float *a = floats(0, kind, 2 * n), *b = floats(1, any_sample(), 2 * n);
    float *results[2] = {guarded(2, 2 * n * sizeof *a), guarded(3, 2 * n * sizeof *a)}, max[2];
#define COMPARE(slot, length, call)                                                                         \
    for (size_t t = 0; t < 2; t++) {                                                                        \
        const ck_table *table = t == 0 ? scalar : other;                                                    \
        float *y = memcpy(results[t], a, 2 * n * sizeof *a);                                                \
        call;                                                                                               \
    }                                                                                                       \
    same_floats(SLOT(slot), length, results[1], results[0])
    COMPARE(rms_norm_f32, n, table->rms_norm_f32(n, 1e-5f, a, b, y));
    COMPARE(add_f32, n, table->add_f32(n, b, y));
    COMPARE(silu_multiply_f32, n, table->silu_multiply_f32(n, a, b, y));
    COMPARE(rope_half_f32, 2 * n, table->rope_half_f32(n, b, b + n, y));
    COMPARE(rope_interleaved_f32, 2 * n, table->rope_interleaved_f32(n, b, b + n, y));
    if (kind != ONE_NAN && kind != ONE_INFINITY) COMPARE(gelu_tanh_f32, n, table->gelu_tanh_f32(n, y));
    float sums[2];
    COMPARE(exp_sum_f32, n, sums[t] = table->exp_sum_f32(n, y, &max[t]));
    same_floats("exp_sum_f32: sum", 1, &sums[1], &sums[0]);
    if (max[0] != max[1]) differs("exp_sum_f32: maximum", 0, max[1], max[0]);
#undef COMPARE
}

int main(int count, char **arguments) {
    scalar = ck_table_scalar();
    other = count == 2 ? ck_table_named(arguments[1]) : NULL;
    if (other == NULL) return fprintf(stderr, "this CPU runs no such table\n"), 2;
    compare_products();
    compare_quantize();
    compare_attention();
    for (size_t kind = 0; kind < SAMPLES; kind++)
        for (size_t n = 1; n < 70; n++) compare_elements((enum sample)kind, n);
    for (size_t i = 0; i < COUNT(was_compared); i++) {
        const size_t at = i * sizeof(void *);
        if (at == offsetof(ck_table, isa) || was_compared[i]) continue;
        if (memcmp((const char *)scalar + at, (const char *)other + at, sizeof(void *)) == 0) continue;
        fprintf(stderr, "slot %zu of ck_table is compared with nothing\n", i);
        differences++;
    }
    printf("%s: %zu comparisons, %zu differences\n", other->isa, comparisons, differences);
    return differences == 0 ? 0 : 1;
}
