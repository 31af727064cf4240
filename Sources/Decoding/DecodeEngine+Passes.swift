internal import Generation
internal import KVCaching

extension DecodeEngine {
    /// The batch cut so that the rows which pass all layers find room between them. Pieces end in batch order.
    func passes(of batch: StepBatch) -> [StepBatch] {
        var passes = [StepBatch(decode: batch.decode)]
        // As much as passes a layer together with the decode rows, if that is worth a pass.
        let beside = buffers.rows - batch.decode.count
        var room = beside < buffers.rows / 4 ? buffers.rows : beside
        for piece in batch.prefill {
            guard state(piece.sequence).passesByRows else {
                passes[passes.count - 1].prefill.append(piece)
                continue
            }
            var rest = piece
            while !rest.rows.isEmpty {
                if room == 0 {
                    passes.append(StepBatch())
                    room = buffers.rows
                }
                let end = min(rest.rows.upperBound, rest.rows.lowerBound + room)
                var part = rest
                part.rows = rest.rows.lowerBound..<end
                rest.rows = end..<rest.rows.upperBound
                passes[passes.count - 1].prefill.append(part)
                room -= part.rows.count
            }
        }
        return passes
    }
}
