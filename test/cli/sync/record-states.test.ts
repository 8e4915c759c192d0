import { describe, expect, it } from 'vitest'
import { beginStates, recordStates, stateAfter, stateDuring } from '../../../src/cli/sync/record-states.ts'
import { SyncStates } from '../../../src/cli/sync/state/sync-states.ts'
import { type Digest, digestOf } from '../../../src/oci/digest.ts'
import type { Plan } from '../../../src/plan/plan.ts'
import { summarise } from '../../../src/plan/outcome.ts'
import { emptyState } from '../../../src/usecases/sync/sync-state.ts'
import { tempFolder } from '../../support/temp.ts'

const [a, b, c] = [digestOf('a'), digestOf('b'), digestOf('c')]

function placement(digest: Digest, ...tags: readonly string[]) {
  return {
    root: { digest, mediaType: '', size: 1 },
    tags: tags.map((tag) => ({ tag, change: 'move' as const, before: a })),
  }
}

const before = { ...emptyState, written: new Map([['3.20', a]]) }
const after = { ...emptyState, written: new Map([['3.20', b]]) }

describe('the state of a destination during a run', () => {
  it('has the digest that a moving tag is to get', () => {
    const during = stateDuring({ before, after }, [placement(b, '3.20')])
    expect(during).toEqual({ ...before, beingWritten: new Map([['3.20', [b]]]) })
    expect(stateDuring({ before: during, after }, [placement(c, '3.20')]).beingWritten).toEqual(
      new Map([['3.20', [b, c]]]),
    )
  })

  it('is not written for new tags and for tags that are in sync', () => {
    expect(stateDuring({ before, after }, [placement(b, '3.21'), placement(a, '3.20')])).toBe(before)
  })

  it('has the platforms of a run that copies fewer of them', () => {
    const fewer = { ...after, platforms: ['linux/amd64'] }
    const copied = [placement(b, '3.21')]
    expect(stateDuring({ before, after: fewer }, copied).platforms).toEqual(['linux/amd64'])
    expect(stateDuring({ before, after: fewer }, [])).toBe(before)
    const wider = { ...after, platforms: ['linux/amd64', 'linux/arm64'] }
    const narrow = { ...before, platforms: ['linux/amd64'] }
    expect(stateDuring({ before: narrow, after: wider }, copied)).toBe(narrow)
  })
})

describe('the state of a destination after a run', () => {
  const during = { ...before, beingWritten: new Map([['3.20', [b]]]), platforms: ['linux/amd64'] }

  it('has no intents and the platforms of the rule if everything succeeded', () => {
    expect(stateAfter(during, after, [])).toEqual(after)
  })

  it('keeps the intents of tags that failed, and the platforms until every image has more', () => {
    expect(stateAfter(during, after, [placement(b, '3.20')])).toEqual(during)
  })
})

describe('the state file of a destination', () => {
  const owner = { rule: 'hub', repository: { registry: 'm.example.com', path: 'app' } }
  const call = { signal: new AbortController().signal, notify: () => undefined }
  const plan: Plan = {
    schema: 'dray.plan/1',
    operation: 'sync',
    createdAt: '2026-11-29T08:00:00.000Z',
    tool: '0',
    policy: 'sha256:policy',
    placements: [
      {
        ...placement(b, '3.20'),
        id: 'p1',
        rule: 'hub',
        image: 'app:3.20',
        from: { repository: { registry: 'hub.example.com', path: 'app' } },
        to: { repository: owner.repository },
        evidence: { found: 0, missing: 0 },
      },
    ],
    steps: [],
    refusals: [],
  }

  it('has the intents of a run that was killed, and none after a run that ended', async () => {
    const states = new SyncStates(await tempFolder(), undefined)
    await states.write(owner, emptyState, before, call)
    const begun = await beginStates(states, [{ owner, before, after }], plan, call)
    expect((await states.read(owner, call)).beingWritten).toEqual(new Map([['3.20', [b]]]))
    await recordStates(states, begun, { plan, outcome: summarise(plan, []) }, call)
    expect(await states.read(owner, call)).toEqual(after)
  })
})
