// How many connections each address has: a table with open addressing, shared by the loops.
#include "internal.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint64_t address;  // 0: the place is free
    size_t count;
} entry;

struct cf_addresses {
    pthread_mutex_t mutex;
    size_t mask;  // places less one
    entry places[];
};

cf_addresses *cf_addresses_create(size_t max_connections) {
    // Loops that accept at the same time may pass the limit by one each.
    size_t places = 256;
    while (places < 2 * max_connections) {
        places *= 2;
    }
    cf_addresses *addresses = cf_allocate(sizeof *addresses + places * sizeof(entry));
    pthread_mutex_init(&addresses->mutex, NULL);
    addresses->mask = places - 1;
    return addresses;
}

void cf_addresses_free(cf_addresses *addresses) {
    if (addresses != NULL) {
        pthread_mutex_destroy(&addresses->mutex);
        free(addresses);
    }
}

uint64_t cf_address_of(const struct sockaddr_storage *address, bool spares_loopback) {
    uint32_t v4 = 0;
    if (address->ss_family == AF_INET) {
        v4 = ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr);
    } else if (address->ss_family == AF_INET6) {
        const struct in6_addr *v6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
        if (!IN6_IS_ADDR_V4MAPPED(v6)) {
            // Whoever has one address of IPv6 has all of its network of 64 bits.
            uint64_t network = 0;
            memcpy(&network, v6->s6_addr, sizeof network);
            return spares_loopback && IN6_IS_ADDR_LOOPBACK(v6) ? 0 : network == 0 ? 1 : network;
        }
        memcpy(&v4, v6->s6_addr + 12, sizeof v4);
        v4 = ntohl(v4);
    } else {
        return 0;
    }
    // No network of IPv6 begins so.
    return spares_loopback && v4 >> 24 == 127 ? 0 : 0xFFFFFFFF00000000 | v4;
}

static size_t home(const cf_addresses *addresses, uint64_t address) {
    return (size_t)((address * 0x9E3779B97F4A7C15) >> 32) & addresses->mask;
}

/// Where the address stands, or the free place where it would.
static size_t place_of(const cf_addresses *addresses, uint64_t address) {
    size_t place = home(addresses, address);
    while (addresses->places[place].address != 0 && addresses->places[place].address != address) {
        place = (place + 1) & addresses->mask;
    }
    return place;
}

bool cf_addresses_enter(cf_addresses *addresses, uint64_t address, size_t most) {
    if (addresses == NULL || address == 0) {
        return true;
    }
    pthread_mutex_lock(&addresses->mutex);
    entry *found = &addresses->places[place_of(addresses, address)];
    const bool has_room = found->count < most;
    if (has_room) {
        found->address = address;
        found->count += 1;
    }
    pthread_mutex_unlock(&addresses->mutex);
    return has_room;
}

/// Frees a place and moves up what stands behind it and would not be found any more.
static void vacate(cf_addresses *addresses, size_t hole) {
    entry *places = addresses->places;
    for (size_t next = (hole + 1) & addresses->mask; places[next].address != 0; next = (next + 1) & addresses->mask) {
        const size_t wanted = home(addresses, places[next].address);
        // How far each lies behind the place that the entry wants.
        if (((next - wanted) & addresses->mask) >= ((next - hole) & addresses->mask)) {
            places[hole] = places[next];
            hole = next;
        }
    }
    places[hole] = (entry){0};
}

void cf_addresses_leave(cf_addresses *addresses, uint64_t address) {
    if (addresses == NULL || address == 0) {
        return;
    }
    pthread_mutex_lock(&addresses->mutex);
    const size_t place = place_of(addresses, address);
    assert(addresses->places[place].count > 0);
    if (--addresses->places[place].count == 0) {
        vacate(addresses, place);
    }
    pthread_mutex_unlock(&addresses->mutex);
}
