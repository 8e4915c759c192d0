import { describe, expect, it } from 'vitest'
import { DrayError } from '../../../src/lib/errors.ts'
import { redactErrors } from '../../../src/registry/client/redact-errors.ts'
import { Secrets } from '../../../src/registry/http/secrets.ts'

const secrets = new Secrets()
secrets.add('canary-71')
const failure = (): DrayError => new DrayError('protocol', 'the answer is canary-71')
const redacted = 'the answer is …'

async function* brokenList(): AsyncGenerator<string, void> {
  yield 'first'
  throw failure()
}

const ports = redactErrors(
  {
    repository: 'team/api',
    throws: (): string => {
      throw failure()
    },
    rejects: async (): Promise<string> => {
      throw failure()
    },
    list: () => brokenList(),
    stream: async () => brokenList(),
    double: (count: number) => 2 * count,
    resolves: async (count: number) => ({ count }),
  },
  secrets,
)

describe('ports with redacted errors', () => {
  it('redact errors of methods', () => {
    expect(() => ports.throws()).toThrow(redacted)
  })

  it('redact errors of promises', async () => {
    await expect(ports.rejects()).rejects.toThrow(redacted)
  })

  it('redact errors of lists, and yield the entries before them', async () => {
    const items: string[] = []
    await expect(
      (async () => {
        for await (const item of ports.list()) items.push(item)
      })(),
    ).rejects.toThrow(redacted)
    expect(items).toEqual(['first'])
  })

  it('redact errors of streams that a promise resolves to', async () => {
    await expect(Array.fromAsync(await ports.stream())).rejects.toThrow(redacted)
  })

  it('keep arguments, results and properties', async () => {
    expect(ports.double(21)).toBe(42)
    expect(await ports.resolves(3)).toEqual({ count: 3 })
    expect(ports.repository).toBe('team/api')
  })
})
