import { describe, expect, it } from 'vitest'
import { stateAfter, stateDuring } from '../../../src/cli/sync/record-states.ts'
import { type Digest, digestOf } from '../../../src/oci/digest.ts'
import { emptyState } from '../../../src/usecases/sync/sync-state.ts'

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
