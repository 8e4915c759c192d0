import { expect, test } from 'vitest'
import { readCorpus } from '../support/registry-corpus/corpus-case.ts'
import { matchesRequest, replay, splitName } from '../support/registry-corpus/replay.ts'

const corpus = await readCorpus()

test.concurrent.each([...corpus])('handles %s', { timeout: 60_000 }, async (_, one) => {
  await using replayed = await replay(one)
  const { ended, oracle, contents, requests } = replayed
  const output = `${ended.stdout}${ended.stderr}`
  expect(ended.code, output).toBe(one.expect.exit)
  for (const says of one.expect.says ?? []) expect(output).toMatch(new RegExp(says))
  for (const never of one.expect.neverSays ?? []) expect(output).not.toMatch(new RegExp(never))
  for (const [name, image] of Object.entries(one.expect.tags ?? {})) {
    const expected = image === null ? undefined : contents.get(image)?.root.digest
    expect(await oracle.digest(...splitName(name)), name).toBe(expected)
  }
  for (const [name, image] of Object.entries(one.expect.complete ?? {})) {
    const [repository, tag] = splitName(name)
    const content = contents.get(image)
    if (content === undefined) throw new Error(`${image} is not in this case`)
    expect(await oracle.differences(repository, content, tag)).toEqual([])
  }
  for (const [form, count] of Object.entries(one.expect.requests ?? {})) {
    const matching = requests.filter((request) => {
      const [method = '', path = ''] = request.split(' ')
      return matchesRequest(form, method, path)
    })
    expect(matching.length, form).toBe(count)
  }
})
