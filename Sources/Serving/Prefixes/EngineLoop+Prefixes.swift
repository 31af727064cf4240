internal import Decoding
internal import Generation
internal import KVCaching
internal import Scheduling

/// Beginnings of prompts that sequences share.
///
/// A block that running sequences use is charged once in the scheduler's books, beside their reservations. One that
/// nobody uses is charged nowhere: it lies in what is free, and goes as soon as that is wanted.
extension EngineLoop {
    // MARK: Starts

    /// Tells the scheduler what those that may start next would find.
    func grantPrefixes() {
        guard prefixes.limits.isOn else { return }
        prefixes.found.removeAll(keepingCapacity: true)
        scheduler.grants.removeAll(keepingCapacity: true)
        guard prefixes.index.count > 0 else { return }
        for id in scheduler.candidates {
            guard let sequence = sequences[id] else { continue }
            grant(sequence.planned, sequence.request.tenant)
        }
    }

    /// The same for a request that has just come.
    func grantPrefixes(to submission: Submission) {
        guard prefixes.limits.isOn, prefixes.index.count > 0 else { return }
        for planned in submission.sequences {
            grant(planned, submission.terms.tenant)
            // It may be planned anew.
            prefixes.lookups[planned.id] = nil
        }
    }

    private func grant(_ planned: PlannedSequence, _ tenant: Tenant) {
        let kind = { self.engine.prefixKind(of: planned.plan) }
        guard var use = prefixes.lookUp(planned, tenant, kind: kind), !use.nodes.isEmpty else { return }
        if use.manner == .copies {
            // The blocks are needed beside the copy: as many as that leaves room for.
            var room = max(0, min(scheduler.freeBytes(for: tenant), scheduler.freeBytes) - planned.startBytes)
            let fitting = use.nodes.prefix { node in
                room -= node.users == 0 ? node.byteCount : 0
                return room >= 0
            }
            use.nodes = Array(fitting)
        }
        guard !use.nodes.isEmpty else { return }
        prefixes.found[planned.id] = use
        let bytes = use.nodes.reduce(0) { $0 + $1.byteCount }
        scheduler.grants[planned.id] = PrefixGrant(
            rows: use.nodes.count * prefixes.index.blockTokens, coveredBytes: use.manner == .reads ? bytes : 0,
            idleBytes: use.nodes.reduce(0) { $0 + ($1.users == 0 ? $1.byteCount : 0) })
    }

    private func prefixUse(_ planned: PlannedSequence, _ tenant: Tenant) -> PrefixUse? {
        PrefixUse(
            planned, tenant: tenant, kind: engine.prefixKind(of: planned.plan),
            blockTokens: prefixes.limits.blockTokens)
    }

    /// Sequences have started with what they were granted: from now on they use it.
    func beginPrefixes(_ started: [SequenceID]) {
        guard prefixes.limits.isOn else { return }
        for id in started {
            guard let sequence = sequences[id],
                var use = prefixes.found[id] ?? prefixUse(sequence.planned, sequence.request.tenant)
            else { continue }
            let newBytes = use.nodes.reduce(0) { $0 + prefixes.index.use($1) }
            // Two that started together found the same.
            let charged = scheduler.grants[id]?.idleBytes ?? 0
            if charged > newBytes { scheduler.unshare(charged - newBytes, tenant: use.tenant, now: now()) }
            use.row = use.nodes.count * prefixes.index.blockTokens
            use.foundRows = use.row
            use.foundBytes = use.manner == .reads ? use.nodes.count * use.byteCount : 0
            prefixes.uses[id] = use
            prefixes.lookups[id] = nil
            prefixes.reading.append(id)
            note(use, id)
        }
        prefixes.found.removeAll(keepingCapacity: true)
        scheduler.grants.removeAll(keepingCapacity: true)
    }

    // MARK: Prompts

    /// Sequences whose prompt is being read pass over what others have read meanwhile.
    func passOverFoundRows() {
        for id in prefixes.reading where prefixes.uses[id]?.searched != prefixes.index.version {
            guard var use = prefixes.uses[id] else { continue }
            let found = prefixes.index.blocks(
                of: use.prompt, in: use.scope, most: use.manner == .reads ? use.mostFound : 0, behind: use.nodes)
            use.searched = prefixes.index.version
            if found.count > use.nodes.count { takeOver(found, id, &use) }
            prefixes.uses[id] = use
        }
    }

    /// Uses the blocks in `found`, which begin with those that it uses, instead of its own.
    private func takeOver(_ found: [PrefixNode], _ id: SequenceID, _ use: inout PrefixUse) {
        let new = found[use.nodes.count...]
        let newBytes = new.reduce(0) { $0 + prefixes.index.use($1) }
        use.nodes = found
        let row = found.count * prefixes.index.blockTokens
        if row > use.row {
            use.foundRows += row - use.row
            use.row = row
        }
        use.foundBytes += new.count * use.byteCount
        note(use, id)
        engine.adopt(id, found.map(\.id))
        scheduler.share(
            id, bytes: new.count * use.byteCount, newBytes: newBytes, row: isReading(use) ? use.row : nil, now: now())
    }

    private func isReading(_ use: PrefixUse) -> Bool { use.row < use.prompt.count }

    private func note(_ use: PrefixUse, _ id: SequenceID) {
        sequences[id]?.found = (use.foundRows, use.foundBytes)
    }

    /// Rows of prompts have been read: whole blocks of them are for others too.
    func givePrefixes(_ plan: StepPlan) {
        for piece in plan.prefill {
            guard var use = prefixes.uses[piece.sequence], use.mostGiven > 0 else { continue }
            use.row = max(use.row, piece.rows.upperBound)
            while use.nodes.count < min(use.mostGiven, use.row / prefixes.index.blockTokens) {
                guard give(piece.sequence, &use) else { break }
            }
            prefixes.uses[piece.sequence] = use
        }
    }

    /// Gives the first block that the sequence has for itself; false where that cannot be.
    private func give(_ id: SequenceID, _ use: inout PrefixUse) -> Bool {
        let number = use.nodes.count
        if let other = prefixes.index.block(number, of: use.prompt, in: use.scope, behind: use.nodes.last) {
            // Another one was quicker; the entries are the same.
            guard use.manner == .copies else {
                guard number < use.mostFound else { return false }
                takeOver(use.nodes + [other], id, &use)
                return true
            }
            let newBytes = prefixes.index.use(other)
            scheduler.share(id, bytes: 0, newBytes: newBytes, now: now())
            use.nodes.append(other)
            return true
        }
        if use.manner == .copies {
            let bytes = use.byteCount
            guard scheduler.hasRoom(sequences: 0, bytes: bytes, for: use.tenant) else { return false }
            trimPrefixes(leaving: bytes)
        }
        let node = prefixes.index.insert(
            number, of: use.prompt, in: use.scope, behind: use.nodes.last, byteCount: use.byteCount)
        engine.share(id, block: number, of: prefixes.index.blockTokens, as: node.id)
        scheduler.share(
            id, bytes: use.manner == .reads ? use.byteCount : 0, newBytes: use.byteCount, now: now())
        use.nodes.append(node)
        return true
    }

    /// The sequence's prompt has been read. A cache with a copy of the blocks needs them no more.
    func endPrefixPrompt(_ id: SequenceID) {
        prefixes.reading.removeAll { $0 == id }
        guard let use = prefixes.uses[id] else { return }
        if use.mostFound > 0 { metrics.prefixes.found(use.foundRows, of: use.prompt.count) }
        guard use.manner == .copies else { return }
        leave(use)
        prefixes.uses[id]?.nodes = []
    }

    // MARK: Ends

    /// The sequence has ended, and its cache is released.
    func endPrefix(_ id: SequenceID) {
        prefixes.reading.removeAll { $0 == id }
        if let use = prefixes.uses.removeValue(forKey: id) { leave(use) }
    }

    /// For audits.
    func brokenPrefixes() -> String? {
        let (used, charged) = (prefixes.index.usedBytes, scheduler.statistics.sharedBytes)
        guard used == charged else { return "blocks in use have \(used) bytes, the scheduler knows \(charged)" }
        if prefixes.index.idleBytes > scheduler.freeBytes {
            return "idle blocks have \(prefixes.index.idleBytes) bytes, \(scheduler.freeBytes) are free"
        }
        return prefixes.brokenInvariant()
    }

    private func leave(_ use: PrefixUse) {
        let bytes = prefixes.index.leave(use.nodes)
        guard bytes > 0 else { return }
        scheduler.unshare(bytes, tenant: use.tenant, now: now())
        trimPrefixes()
    }

    /// Drops blocks that nobody uses, those that were used last remaining: as many as the pool's free memory, less
    /// `bytes` for somebody who is about to take them, has no room for.
    func trimPrefixes(leaving bytes: Int = 0) {
        dropIdlePrefixes(beyond: max(0, min(prefixes.limits.mostIdleBytes, scheduler.freeBytes - bytes)))
    }

    /// Drops blocks that nobody uses until they have at most so many bytes.
    func dropIdlePrefixes(beyond bytes: Int) {
        while prefixes.index.idleBytes > bytes, let node = prefixes.index.removeOldest() {
            engine.forget(node.id)
            metrics.prefixes.evicted()
        }
    }
}
