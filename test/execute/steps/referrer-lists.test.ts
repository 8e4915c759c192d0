import { readFile } from 'node:fs/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { AuditRecord } from '../../../src/audit/log/record.ts'
import type { AuditSink } from '../../../src/audit/log/sink.ts'
import { placementOperation } from '../../../src/cli/changes/placement-operation.ts'
import { exitOfRun } from '../../../src/cli/command/run-exit.ts'
import type { Repositories, TargetRepository } from '../../../src/images/ports.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import { fallbackTag } from '../../../src/oci/evidence-tags.ts'
import { parseDigest } from '../../../src/oci/digest.ts'
import type { AttachStep, AttestStep, Plan, Step } from '../../../src/plan/plan.ts'
import { type Content, image, referrer, together } from '../../support/images.ts'
import { leapingClock } from '../../support/manual-clock.ts'
import { type Bench, bench, executePlan, planOf, repository } from '../../support/promotion.ts'
import { isWrite } from '../../support/staging-and-prod.ts'
import { watchedRegistry } from '../../support/world.ts'

const api = image({ label: 'listed' })
const sbom = referrer(api, { payload: 'sbom' })
const signature = referrer(sbom, { payload: 'signature of the sbom' })

const tagOf = ({ root }: Content): string => fallbackTag(parseDigest(root.digest))

/** A staging registry, a prod registry without the referrers API, and a run with its plan. */
async function planned(content: Content) {
  const [staging, prod] = [await watchedRegistry(), await watchedRegistry('docker-registry-2.8')]
  const run = await bench({ clock: leapingClock() })
  onTestFinished(async () => {
    for (const one of [run, staging, prod]) await one[Symbol.asyncDispose]()
  })
  await staging.oracle.push(content, 'staging/api', '1.4.2')
  const plan = await planOf(run, {
    from: repository(staging, 'staging/api'),
    to: [repository(prod, 'prod/api')],
  })
  const records = async (): Promise<AuditRecord[]> =>
    (await readFile(run.auditFile, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditRecord)
  return { staging, prod, run, plan, records }
}

/** The plan with an attestation, as `promote` plans it: before the tags. */
function withAttestation(plan: Plan): Plan {
  const content = plan.steps.filter(({ kind }) => kind !== 'tag')
  const [placement] = plan.placements
  if (placement === undefined) throw new Error('the plan has no image')
  const attest: AttestStep = {
    kind: 'attest',
    id: 'attest',
    placement: placement.id,
    after: content.map(({ id }) => id),
    expect: [],
    subject: placement.root,
    repository: placement.to.repository,
  }
  const tags = plan.steps.filter(({ kind }) => kind === 'tag')
  return { ...plan, steps: [...content, attest, ...tags.map((step) => after(step, attest.id))] }
}

function after<S extends Step>(step: S, ...ids: string[]): S {
  return { ...step, after: [...step.after, ...ids] }
}

/** The run with other ports to its targets. */
function withTargets(run: Bench, over: (real: TargetRepository) => Partial<TargetRepository>): Bench {
  const stores: Repositories = {
    source: (name) => run.stores.source(name),
    target: (name) => ({ ...run.stores.target(name), ...over(run.stores.target(name)) }),
  }
  return { ...run, stores }
}

describe('the referrers that a run pushes to a registry without the referrers API', () => {
  it('are listed by one write for each subject, together with the attestation', async () => {
    const many = Array.from({ length: 40 }, (_, i) => referrer(api, { payload: `scan ${i}` }))
    const { prod, run, plan } = await planned(together(api, sbom, signature, ...many))
    const done = await executePlan(run, withAttestation(plan))
    expect(done.placements).toMatchObject([{ status: 'promoted', evidenceCopied: 42 }])
    const lists = prod.requests.filter(({ path }) => path.includes('/manifests/sha256-'))
    const writes = lists.filter(isWrite).map(({ path }) => path.slice(path.lastIndexOf('/') + 1))
    expect(writes.sort()).toEqual([tagOf(api), tagOf(sbom)].sort())
    expect(await prod.oracle.referrers('prod/api', api.root.digest)).toHaveLength(42)
    expect(await prod.oracle.referrers('prod/api', sbom.root.digest)).toEqual([signature.root.digest])
    // of each list: to plan, before the write, back, and at the end
    const reads = lists.filter((request) => !isWrite(request) && request.path.endsWith(tagOf(sbom)))
    expect(reads).toHaveLength(4)
  })

  it('are listed before a tag moves, and recorded when the lists are confirmed', async () => {
    const { prod, run, plan } = await planned(together(api, sbom))
    const events: string[] = []
    const sink: AuditSink = {
      path: run.log.path,
      write: async (written) => {
        await run.log.write(written)
        events.push(...written.map(({ phase, step }) => `${phase} ${step?.kind ?? ''}`))
      },
    }
    prod.requests.push = (...entries) =>
      events.push(
        ...entries.flatMap(({ method, path }) =>
          path.endsWith(tagOf(api)) ? `${method} list` : path.endsWith('1.4.2') ? `${method} tag` : [],
        ),
      )
    await executePlan(run, plan, { sink })
    const known = new Set(['PUT list', 'GET list', 'PUT tag', 'outcome attach'])
    expect(events.filter((what) => known.has(what)).slice(-5)).toEqual([
      'PUT list',
      'GET list',
      'PUT tag',
      'GET list',
      'outcome attach',
    ])
  })

  it('that a run has pushed and not listed are listed by the next run', async () => {
    const { prod, run, plan } = await planned(together(api, sbom, signature))
    const killed = withTargets(run, () => ({
      addToFallbackTag: () => Promise.reject(new DrayError('network', 'the machine is gone')),
    }))
    const first = await executePlan(killed, plan)
    expect(first.placements).toMatchObject([{ status: 'failed', evidenceUnlisted: 2 }])
    expect(await prod.oracle.manifest('prod/api', signature.root.digest)).toBeDefined()
    expect(await prod.oracle.digest('prod/api', '1.4.2')).toBeUndefined()
    for (const isSaved of [true, false]) {
      const again = await executePlan(run, plan, { isSaved })
      expect(again.placements).toMatchObject([{ status: 'promoted' }])
      expect(await prod.oracle.referrers('prod/api', api.root.digest)).toEqual([sbom.root.digest])
      expect(await prod.oracle.referrers('prod/api', sbom.root.digest)).toEqual([signature.root.digest])
      await prod.oracle.delete('prod/api', (await prod.oracle.digest('prod/api', tagOf(api))) ?? '')
    }
  })

  it('are read in one request for each subject if a saved plan is applied', async () => {
    const many = Array.from({ length: 20 }, (_, i) => referrer(api, { payload: `scan ${i}` }))
    const { prod, run, plan } = await planned(together(api, ...many))
    await executePlan(run, plan)
    prod.forget()
    const again = await executePlan(run, plan, { isSaved: true })
    expect(again.placements).toMatchObject([{ status: 'unchanged' }])
    expect(prod.requests.filter(({ path }) => path.endsWith(tagOf(api)))).toHaveLength(1)
  })
})

describe('referrers that another client removes from the list again and again', () => {
  it('are a conflict that names them, with exit code 4, although the tag moved', async () => {
    const vex = referrer(api, { payload: 'vex', artifactType: 'application/vnd.example.vex' })
    const { prod, run, plan, records } = await planned(together(api, sbom, vex))
    const overwritten = withTargets(run, () => ({
      confirmFallbackTag: () => Promise.resolve([parseDigest(vex.root.digest)]),
    }))
    const done = await executePlan(overwritten, plan)
    const where = `${prod.host}/prod/api`
    expect(done.placements).toMatchObject([
      {
        status: 'conflict',
        evidenceCopied: 1,
        evidenceUnlisted: 1,
        tags: [{ tag: '1.4.2', changed: true }],
        errors: [
          {
            code: 'conflict',
            message: `the registry does not list these referrers of ${where}@${api.root.digest}`,
            details: [`${vex.root.digest} application/vnd.example.vex`],
            why: `dray pushed them, and each time another client overwrote ${where}:${tagOf(api)}`,
          },
        ],
      },
    ])
    const { parts } = placementOperation(() => Promise.reject(new Error('not reviewed')))
    const result = { parts: parts(done), refusals: [] }
    expect(exitOfRun(result, new AbortController().signal)).toBe(4)
    const outcomes = (await records()).filter(({ phase }) => phase === 'outcome')
    const ofAttach = new Map(
      outcomes.flatMap(({ step, result: recorded }) =>
        step?.kind === 'attach' ? [[step.manifest.digest, recorded] as const] : [],
      ),
    )
    expect(Object.fromEntries(ofAttach)).toEqual({
      [sbom.root.digest]: 'done',
      [vex.root.digest]: 'conflict',
    })
  })

  it('keep the tag where it is if the first write of the list does not last', async () => {
    const { prod, run, plan } = await planned(together(api, sbom))
    const overwritten = withTargets(run, (real) => ({
      addToFallbackTag: async (subject, referrers, call) => {
        const listing = await real.addToFallbackTag(subject, referrers, call)
        return { ...listing, missing: referrers.map(({ digest }) => digest) }
      },
    }))
    const done = await executePlan(overwritten, plan)
    expect(done.placements).toMatchObject([{ status: 'conflict', evidenceUnlisted: 1 }])
    expect(await prod.oracle.digest('prod/api', '1.4.2')).toBeUndefined()
  })
})

describe('a run with lists of referrers', () => {
  it('does not say that they are listed if it is stopped before they are confirmed', async () => {
    const { run, plan } = await planned(together(api, sbom))
    const stop = new AbortController()
    const stopped = withTargets(run, (real) => ({
      confirmFallbackTag: (...args) => {
        stop.abort(new DrayError('interrupted', 'stopped'))
        return real.confirmFallbackTag(...args)
      },
    }))
    const done = await executePlan(stopped, plan, { stop: stop.signal })
    expect(done.steps).toMatchObject([
      { result: 'done' },
      { result: 'failed', error: { code: 'interrupted' }, isUnlisted: true },
      { result: 'done' },
    ])
  })

  it('lists the other referrers of a subject if one cannot be pushed', async () => {
    const lost = referrer(api, { payload: 'lost' })
    const { staging, prod, plan } = await planned(together(api, sbom, lost))
    await staging.oracle.delete('staging/api', lost.root.digest)
    await using later = await bench()
    const done = await executePlan(later, plan)
    expect(done.placements).toMatchObject([{ status: 'failed', evidenceCopied: 1 }])
    expect(await prod.oracle.referrers('prod/api', api.root.digest)).toEqual([sbom.root.digest])
    expect(await prod.oracle.digest('prod/api', '1.4.2')).toBeUndefined()
  })

  it('ends if a plan file has content after a tag', async () => {
    const { prod, run, plan } = await planned(together(api, sbom))
    await prod.oracle.push(api, 'prod/api')
    const tags = plan.steps.filter(({ kind }) => kind === 'tag').map((step) => ({ ...step, after: [] }))
    const ids = tags.map(({ id }) => id)
    const content = plan.steps.filter(({ kind }) => kind !== 'tag').map((step) => after(step, ...ids))
    const done = await executePlan(run, { ...plan, steps: [...tags, ...content] })
    expect(done.placements).toMatchObject([{ status: 'promoted', evidenceCopied: 1 }])
    expect(await prod.oracle.referrers('prod/api', api.root.digest)).toEqual([sbom.root.digest])
  })

  it('ends if the record of a referrer cannot be written while another one is pushed', async () => {
    const vex = referrer(api, { payload: 'vex' })
    const { run, plan } = await planned(together(api, sbom, vex))
    const isOf = (step: { readonly kind: string } | undefined, content: Content): boolean =>
      step?.kind === 'attach' && (step as AttachStep).manifest.digest === content.root.digest
    const [pushed, recording] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const watched = withTargets(run, (real) => ({
      putManifest: async (d, ...args) => {
        if (d.digest === sbom.root.digest) await recording.promise
        const put = await real.putManifest(d, ...args)
        if (d.digest === sbom.root.digest) setImmediate(pushed.resolve)
        return put
      },
    }))
    const sink: AuditSink = {
      path: 'nowhere',
      write: async (records) => {
        if (!records.some(({ step }) => isOf(step, vex))) return
        recording.resolve()
        await pushed.promise
        throw new DrayError('audit', 'no room')
      },
    }
    // The intent of the other referrer is written with that of the copy, and this one later.
    const steps = plan.steps.map((step) => (isOf(step, sbom) ? { ...step, after: [] } : step))
    await expect(executePlan(watched, { ...plan, steps }, { sink })).rejects.toMatchObject({ code: 'audit' })
  })
})
