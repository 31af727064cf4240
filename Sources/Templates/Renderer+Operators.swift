internal import Glibc

/// Python's operators.
extension Renderer {
    func signed(_ value: Value, isNegative: Bool) throws(TemplateError) -> Value {
        switch value {
        case .undefined(let undefined): throw failure(undefined.message)
        case .float(let number): return .float(isNegative ? -number : number)
        case .bigInt: throw tooLarge
        default:
            guard let number = value.asInt else {
                throw failure("bad operand type for unary \(isNegative ? "-" : "+"): '\(value.typeName)'")
            }
            guard isNegative else { return .int(number) }
            return .int(try result(0.subtractingReportingOverflow(number)))
        }
    }

    func arithmetic(_ operation: Arithmetic, _ left: Value, _ right: Value) throws(TemplateError) -> Value {
        for value in [left, right] { if case .undefined(let undefined) = value { throw failure(undefined.message) } }
        if operation == .modulo, case .text(let format) = left { return .text(try self.format(format, right)) }
        if operation == .add || operation == .multiply, let joined = try joined(operation, left, right) {
            return joined
        }
        if let left = left.asInt, let right = right.asInt { return try integers(operation, left, right) }
        guard let leftNumber = left.asDouble, let rightNumber = right.asDouble else {
            throw failure(
                "unsupported operand type(s) for \(operation.rawValue): '\(left.typeName)' and '\(right.typeName)'")
        }
        switch (left, right) {
        case (.float, _), (_, .float): return .float(try floats(operation, leftNumber, rightNumber))
        default: throw tooLarge
        }
    }

    private var tooLarge: TemplateError { failure("an integer has more than 64 bits") }

    private func result(_ outcome: (partialValue: Int, overflow: Bool)) throws(TemplateError) -> Int {
        guard !outcome.overflow else { throw tooLarge }
        return outcome.partialValue
    }

    private func integers(_ operation: Arithmetic, _ left: Int, _ right: Int) throws(TemplateError) -> Value {
        switch operation {
        case .add: return .int(try result(left.addingReportingOverflow(right)))
        case .subtract: return .int(try result(left.subtractingReportingOverflow(right)))
        case .multiply: return .int(try result(left.multipliedReportingOverflow(by: right)))
        case .divide:
            guard right != 0 else { throw failure("division by zero") }
            return .float(Double(left) / Double(right))
        case .floorDivide, .modulo:
            guard right != 0 else { throw failure("integer division or modulo by zero") }
            let quotient = try result(left.dividedReportingOverflow(by: right))
            let remainder = left - quotient * right
            let isBelow = remainder != 0 && (remainder < 0) != (right < 0)
            if operation == .modulo { return .int(isBelow ? remainder + right : remainder) }
            return .int(isBelow ? quotient - 1 : quotient)
        case .power:
            guard right >= 0 else {
                guard left != 0 else { throw failure("0.0 cannot be raised to a negative power") }
                return .float(pow(Double(left), Double(right)))
            }
            return .int(try power(left, right))
        }
    }

    private func power(_ base: Int, _ exponent: Int) throws(TemplateError) -> Int {
        var (value, base, exponent) = (1, base, exponent)
        while exponent > 0 {
            if exponent & 1 == 1 { value = try result(value.multipliedReportingOverflow(by: base)) }
            exponent >>= 1
            if exponent > 0 { base = try result(base.multipliedReportingOverflow(by: base)) }
        }
        return value
    }

    private func floats(_ operation: Arithmetic, _ left: Double, _ right: Double) throws(TemplateError) -> Double {
        switch operation {
        case .add: return left + right
        case .subtract: return left - right
        case .multiply: return left * right
        case .power: return pow(left, right)
        case .divide, .floorDivide, .modulo:
            guard right != 0 else { throw failure("float division by zero") }
            if operation == .divide { return left / right }
            var remainder = fmod(left, right)
            if remainder != 0, (remainder < 0) != (right < 0) { remainder += right }
            if operation == .modulo { return remainder }
            return ((left - remainder) / right).rounded()
        }
    }

    /// Sums of texts and of lists, and their multiples.
    private func joined(_ operation: Arithmetic, _ left: Value, _ right: Value) throws(TemplateError) -> Value? {
        switch (operation, left, right) {
        case (.add, .text(let left), .text(let right)):
            try charge(characters: left.count + right.count)
            guard left.isMarkup || right.isMarkup else { return .text(left + right) }
            var sum = left.markup + right.markup
            sum.isMarkup = true
            try charge(characters: sum.count)
            return .text(sum)
        case (.add, .list(let left), .list(let right)) where left.isTuple == right.isTuple:
            try charge(left.items.count + right.items.count)
            return .list(ValueList(left.items + right.items, kind: left.isTuple ? .tuple : .list))
        case (.add, .text, _):
            throw failure("can only concatenate str (not \"\(right.typeName)\") to str")
        case (.add, .list, _):
            throw failure("can only concatenate \(left.typeName) (not \"\(right.typeName)\") to \(left.typeName)")
        case (.multiply, .text, _), (.multiply, .list, _):
            guard let count = right.asInt else { return nil }
            return try repeated(left, count)
        case (.multiply, _, .text), (.multiply, _, .list):
            guard let count = left.asInt else { return nil }
            return try repeated(right, count)
        default: return nil
        }
    }

    func repeated(_ value: Value, _ count: Int) throws(TemplateError) -> Value {
        let length = length(of: value) ?? 0
        let (total, overflows) = length.multipliedReportingOverflow(by: max(0, count))
        try charge(characters: overflows ? .max : total)
        let times = length == 0 ? 0 : max(0, count)
        switch value {
        case .text(let text): return .text(Text(units: [[UInt32]](repeating: text.units, count: times).flatMap { $0 }))
        case .list(let list):
            let items = [[Value]](repeating: list.items, count: times).flatMap { $0 }
            return .list(ValueList(items, kind: list.isTuple ? .tuple : .list))
        default: return value
        }
    }
}
