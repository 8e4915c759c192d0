import { describe, expect, it } from 'vitest'
import { newCall, type Said, scripted, storeAt } from './world.ts'

async function refusal(said: Said): Promise<unknown> {
  const { registry } = await scripted(() => said)
  return storeAt(registry)
    .manifest({ tag: '1' }, newCall())
    .catch((error: unknown) => error)
}

const json = { 'content-type': 'application/json' }

describe("a registry's error", () => {
  it('keeps its status, its code and its words', async () => {
    const body = JSON.stringify({ errors: [{ code: 'DENIED', message: 'requested access is denied' }] })
    expect(await refusal({ status: 403, headers: json, body })).toMatchObject({
      code: 'forbidden',
      status: 403,
      registryCode: 'DENIED',
      why: 'requested access is denied',
      hint: expect.stringContaining('pull'),
    })
  })

  it.each([
    ['no body', ''],
    ['no JSON', '<html>'],
    ['JSON of another form', '{"errors":"x"}'],
    ['words that are no strings', '{"errors":[{"code":1,"message":{}}]}'],
    ['a body without end', 'x'.repeat(200_000)],
  ])('with %s is an error all the same', async (_, body) => {
    expect(await refusal({ status: 403, headers: json, body })).toMatchObject({
      code: 'forbidden',
      status: 403,
    })
  })

  it('is kept short', async () => {
    const body = JSON.stringify({ errors: [{ code: 'X'.repeat(1000), message: 'y'.repeat(10_000) }] })
    const error = (await refusal({ status: 403, headers: json, body })) as {
      why: string
      registryCode: string
    }
    expect(error.why.length).toBe(1000)
    expect(error.registryCode.length).toBe(100)
  })
})
