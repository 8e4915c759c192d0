import { chmod } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { publish } from '../../../src/deployments/git/publish.ts'
import { gitWorld } from '../../support/git/git-world.ts'
import { publishRequest, setImage } from '../../support/git/publish-requests.ts'
import { notedCall } from '../../support/http-world.ts'
import { randomFrom } from '../../support/random.ts'

const writers = Array.from({ length: 10 }, (_, i) => `image${i}`)

describe('ten runs that push to one branch at the same time', () => {
  it('all succeed: every digest is present, history is linear, and no push is forced', async () => {
    const w = await gitWorld()
    // Even and odd writers edit one file each, which conflicts, and all share the branch.
    const text = writers.map((key) => `${key}: none\n`).join('')
    const remote = await w.remote({ 'even.yaml': text, 'odd.yaml': text })
    await remote.git('config', 'core.logAllRefUpdates', 'always')
    const onlyForward =
      '#!/bin/sh\nwhile read old new ref; do git merge-base --is-ancestor "$old" "$new" || exit 1; done\n'
    await chmod(await remote.write('hooks/pre-receive', onlyForward), 0o755)
    const first = await remote.git('rev-parse', 'main')
    const clones = await Promise.all(writers.map((key) => w.clone(remote, key)))
    const published = await Promise.all(
      clones.map(async (clone, i) => {
        const key = writers[i] ?? ''
        const name = i % 2 === 0 ? 'even.yaml' : 'odd.yaml'
        await clone.write(name, setImage(await clone.read(name), `digest-${i}`, key))
        const request = await publishRequest(clone, [name], { mode: 'push', digest: `digest-${i}`, key })
        return await publish(request, { ...w.ports, random: randomFrom(i) }, notedCall())
      }),
    )
    expect(published.map(({ isPushed }) => isPushed)).toEqual(writers.map(() => true))
    const lines = await Promise.all(
      ['even.yaml', 'odd.yaml'].map((name) => remote.git('show', `main:${name}`)),
    )
    for (const [i, key] of writers.entries()) expect(lines[i % 2]).toContain(`${key}: digest-${i}`)
    expect(await remote.git('rev-list', '--count', '--first-parent', `${first}..main`)).toBe('10')
    expect(await remote.git('rev-list', '--merges', 'main')).toBe('')
    // Each entry of the reflog is the parent of the next: nothing was overwritten.
    const heads = (await remote.git('log', '--walk-reflogs', '--format=%H', 'main')).split('\n').toReversed()
    const commits = (await remote.git('rev-list', '--reverse', `${first}..main`)).split('\n')
    expect(heads.slice(-10)).toEqual(commits)
    expect(new Set(published.map(({ commit }) => commit))).toEqual(new Set(commits))
    const attempts = published.map(({ attempts: count }) => count)
    expect(Math.max(...attempts)).toBeGreaterThan(1)
  }, 60_000)
})
