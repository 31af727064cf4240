import Testing

@testable import Scheduling

@Suite struct TenantAccountsTests {
    private let heavy = Tenant(id: 1)
    private let light = Tenant(id: 2)

    private func turn(_ tenant: Tenant, priority: Int = 0, place: Int) -> TenantAccounts.Turn {
        TenantAccounts.Turn(tenant: tenant, priority: priority, place: place)
    }

    @Test func byteSecondsOverWeightAreCharged() {
        var accounts = TenantAccounts()
        let double = Tenant(id: 3, weight: 2)
        for tenant in [light, double] {
            accounts.queued(tenant, priority: 0)
            accounts.started(tenant, bytes: 100)
        }
        accounts.advance(to: .seconds(3))
        #expect(accounts[light].served == 300)
        #expect(accounts[double].served == 150)
        #expect(accounts.precedes(turn(double, place: 1), turn(light, place: 0)))
    }

    @Test func whoComesBackHasSavedNothingUp() {
        var accounts = TenantAccounts()
        accounts.queued(heavy, priority: 0)
        accounts.started(heavy, bytes: 10)
        accounts.advance(to: .seconds(5))
        accounts.queued(light, priority: 0)
        #expect(accounts[light].served == 50)
        // Of two that have had the same, the one that holds less goes first.
        #expect(accounts.precedes(turn(light, place: 9), turn(heavy, place: 0)))
    }

    @Test func priorityGoesBeforeWhatWasHad() {
        var accounts = TenantAccounts()
        accounts.queued(heavy, priority: 0)
        accounts.started(heavy, bytes: 10)
        accounts.advance(to: .seconds(5))
        #expect(accounts.precedes(turn(heavy, priority: 1, place: 9), turn(light, place: 0)))
        #expect(!accounts.precedes(turn(light, place: 0), turn(heavy, priority: 1, place: 9)))
    }

    @Test func limitsCountWhatIsHeld() {
        var accounts = TenantAccounts()
        let limited = Tenant(id: 4, mostBytes: 100, mostSequences: 2)
        accounts.queued(limited, priority: 0)
        #expect(accounts.hasRoom(limited, bytes: 100) && !accounts.hasRoom(limited, bytes: 101))
        accounts.started(limited, bytes: 60)
        #expect(accounts.hasRoom(limited, bytes: 40) && !accounts.hasRoom(limited, bytes: 41))
        accounts.queued(limited, priority: 0)
        accounts.started(limited, bytes: 0)
        #expect(!accounts.hasRoom(limited, bytes: 0))
        accounts.ended(limited, bytes: 60)
        #expect(accounts.hasRoom(limited, bytes: 100))
    }
}
