import { resolve } from 'node:path'
import {
  type EditPorts,
  type EditWriter,
  executeEdits,
  type FileToEdit,
  omittedOf,
  type SettledEdit,
} from '../../execute/edits/execute-edits.ts'
import type { Call } from '../../lib/call.ts'
import { DrayError, type ErrorInfo, toErrorInfo } from '../../lib/errors.ts'
import { digestOf } from '../../oci/digest.ts'
import type { EditedImage, EditStep } from '../../plan/edits/edit-step.ts'
import type { CommitOutcome, EditingPlan, EditOutcome, FileOutcome } from '../../plan/edits/editing-plan.ts'
import { hashOfPlan } from '../../plan/plan-hash.ts'
import { type DecidedEdits, decideEdits } from '../../usecases/gitops/decide.ts'
import { gatherFiles } from '../../usecases/gitops/gather.ts'
import type { EditRequest } from '../../usecases/gitops/request.ts'
import { justificationOf } from '../changes/justification.ts'
import type { ChangePorts } from '../changes/operation.ts'
import { deploymentFilesIn } from './deployment-files.ts'
import { pullRequestBranch } from './git-request.ts'
import type { Context } from '../wiring/context.ts'
import { openGitPorts } from './open-git-ports.ts'
import type { EditFindings } from './plan-edits.ts'

export interface ExecutedEdits {
  readonly outcome: EditOutcome
  /** where the audit log is */
  readonly auditLog: string
}

interface EditRunPorts extends ChangePorts {
  /** of the audit records of the tags: the edits belong to the same run */
  readonly run: string | undefined
}

/**
 * Executes the edits of a plan for the images that were confirmed: decides them again on the
 * current files, writes them, and commits them. If a file of the plan has other content now, no
 * file is written.
 * @param isConfirmed whether the registries of all targets have the image
 */
export async function executePlanEdits(
  plan: EditingPlan,
  isConfirmed: (image: EditedImage) => boolean,
  findings: EditFindings,
  { context, flags, call, stop, run }: EditRunPorts,
): Promise<ExecutedEdits> {
  const recorded = await context.executePorts(
    {
      auditFile: flags['audit-file'],
      isAttesting: false,
      ...(run !== undefined && { run }),
      ...justificationOf(flags),
    },
    call,
  )
  const request = confirmedRequest(findings.request, isConfirmed)
  const { toEdit, settled, now } = stop.aborted
    ? allSkipped(plan, stopped())
    : await compare(plan, request, findings, call)
  const { files } = findings
  const publish = publisherOf({ plan, request, findings, now, run: recorded.runId }, context)
  const editPorts: EditPorts = {
    ...recorded,
    stop,
    write: (file, expected, bytes) => files.write(file, expected, bytes),
    ...(publish !== undefined && { publish }),
  }
  return {
    outcome: await executeEdits(plan, toEdit, settled, editPorts, call),
    auditLog: recorded.sink.path,
  }
}

function confirmedRequest(request: EditRequest, isConfirmed: (image: EditedImage) => boolean): EditRequest {
  return { ...request, images: request.images.filter(isConfirmed) }
}

interface ComparedEdits {
  readonly toEdit: readonly FileToEdit[]
  readonly settled: readonly SettledEdit[]
  /** undefined: no image was confirmed, or the files could not be decided again */
  readonly now?: DecidedEdits
}

/** Compares the steps of the plan with what is decided on the current files. */
async function compare(
  { edits }: EditingPlan,
  request: EditRequest,
  { files }: EditFindings,
  call: Call,
): Promise<ComparedEdits> {
  const steps = edits?.steps ?? []
  if (request.images.length === 0)
    return { toEdit: [], settled: steps.map((step) => skipped(step, notConfirmed(step.images))) }
  const confirmed = new Set(request.images.map(({ image }) => image))
  try {
    const gathered = await gatherFiles(request, files, call)
    const now = decideEdits(gathered, request)
    const current = new Map(now.plan.steps.map((step) => [step.file, step]))
    const hashes = new Map(gathered.map(({ file, bytes }) => [file, digestOf(bytes)]))
    const compared = steps.map((step) => compareStep(step, current.get(step.file), hashes, now, confirmed))
    const added = unplannedSteps(steps, now.plan.steps).map((step) =>
      settledAs(step, 'conflict', toErrorInfo(changedSince(step.file, false))),
    )
    const isBlocked =
      added.length > 0 || compared.some((one) => 'outcome' in one && one.outcome.status === 'conflict')
    const settled = compared.flatMap((one) =>
      'outcome' in one ? [one] : isBlocked ? [skipped(one.step, otherFileChanged())] : [],
    )
    return {
      now,
      toEdit: isBlocked ? [] : compared.flatMap((one) => ('bytes' in one ? [one] : [])),
      settled: [...settled, ...added],
    }
  } catch (error) {
    const info = toErrorInfo(error)
    if (info.code === 'interrupted') throw error
    return { toEdit: [], settled: steps.map((step) => settledAs(step, 'failed', info)) }
  }
}

/** Edits of files that the plan does not have, because they were changed or added after it. */
function unplannedSteps(planned: readonly EditStep[], now: readonly EditStep[]): readonly EditStep[] {
  const files = new Set(planned.map(({ file }) => file))
  return now
    .filter(({ file }) => !files.has(file))
    .map((step, i) => ({ ...step, id: `edit${planned.length + i + 1}` }))
}

function compareStep(
  planned: EditStep,
  current: EditStep | undefined,
  hashes: ReadonlyMap<string, string>,
  { results }: DecidedEdits,
  confirmed: ReadonlySet<string>,
): FileToEdit | SettledEdit {
  const omitted = planned.images.flatMap(({ image }) => (confirmed.has(image) ? [] : [image]))
  if (omitted.length === planned.images.length) return skipped(planned, notConfirmed(planned.images))
  const hash = hashes.get(planned.file)
  const bytes = results.get(planned.file)
  if (current === undefined && bytes !== undefined)
    return { step: planned, outcome: { ...settledAs(planned, 'unchanged').outcome, ...omittedOf(omitted) } }
  const isAsPlanned = hash === planned.fileHash && current !== undefined
  const isSameResult = omitted.length > 0 || current?.resultHash === planned.resultHash
  if (!isAsPlanned || !isSameResult || bytes === undefined)
    return settledAs(planned, 'conflict', toErrorInfo(changedSince(planned.file, isAsPlanned)))
  return { step: { ...current, id: planned.id }, bytes, omitted }
}

function settledAs(step: EditStep, status: FileOutcome['status'], error?: ErrorInfo): SettledEdit {
  return {
    step,
    outcome: {
      step: step.id,
      file: step.file,
      status,
      edits: step.edits,
      ...(error !== undefined && { error }),
    },
  }
}

function skipped(step: EditStep, error: DrayError): SettledEdit {
  return settledAs(step, 'notAttempted', toErrorInfo(error))
}

function allSkipped({ edits }: EditingPlan, error: DrayError): ComparedEdits {
  return { toEdit: [], settled: (edits?.steps ?? []).map((step) => skipped(step, error)) }
}

function stopped(): DrayError {
  return new DrayError('interrupted', 'the file was not edited, because the run was stopped')
}

function notConfirmed(images: readonly EditedImage[]): DrayError {
  const names = images.map(({ image }) => image).join(', ')
  return new DrayError('interrupted', `the file was not edited, because ${names} is not at all targets`)
}

function otherFileChanged(): DrayError {
  return new DrayError('interrupted', 'the file was not edited, because another file of the plan changed')
}

function changedSince(file: string, isSameFile: boolean): DrayError {
  const why = isSameFile
    ? 'another file, or dray.yaml, changed since the plan was made'
    : 'it has other content than the plan was made from'
  return new DrayError('conflict', `${file} was changed since the plan was made`, {
    subject: file,
    why,
    hint: 'Run the command again. It edits the files and changes no tag that is up to date.',
  })
}

interface PublishBasis {
  readonly plan: EditingPlan
  readonly request: EditRequest
  readonly findings: EditFindings
  readonly now: DecidedEdits | undefined
  readonly run: string
}

/** Returns how the edits are committed; undefined if they are not, or no file has an image. */
function publisherOf(
  { plan, request, findings, now, run }: PublishBasis,
  context: Context,
): EditPorts['publish'] {
  const { edits } = plan
  const { files, toCommit = [] } = findings
  const git = edits?.git
  if (edits === undefined || git === undefined || now === undefined) return undefined
  const paths = [...now.results].map(([file, bytes]) => ({
    path: resolve(files.folder, file),
    hash: digestOf(bytes),
  }))
  const toPublish = paths.filter(({ path }) => toCommit.includes(path))
  if (toPublish.length === 0) return undefined
  return async (writer, call) => {
    const { publish } = await import('../../deployments/git/publish.ts')
    const published = await publish(
      {
        ...git,
        folder: files.folder,
        files: toPublish,
        trailers: [
          ...request.images.flatMap((image) => [
            ['Dray-Image', image.tag === undefined ? image.image : `${image.image}:${image.tag}`] as const,
            ['Dray-Digest', image.digest] as const,
          ]),
          ['Dray-Plan', hashOfPlan(plan)],
          ['Dray-Run', run],
        ],
        pullRequestBranch: pullRequestBranch({ ...edits, images: now.plan.images }),
        editAgain: async (folder) => await editAgain(folder, request, writer, call),
      },
      openGitPorts(context),
      call,
    )
    return commitOf(published)
  }
}

function commitOf({
  commit,
  ...rest
}: Omit<CommitOutcome, 'id'> & { readonly commit?: string }): CommitOutcome {
  return { ...(commit !== undefined && { id: commit }), ...rest }
}

/** Edits the files of another commit, in another folder. Returns the absolute paths. */
async function editAgain(
  folder: string,
  request: EditRequest,
  writer: EditWriter,
  call: Call,
): Promise<readonly string[]> {
  const files = deploymentFilesIn(folder)
  const moved = { ...request, config: { ...request.config, folder } }
  const { plan, results } = decideEdits(await gatherFiles(moved, files, call), moved)
  const edits = plan.steps.flatMap((step): FileToEdit[] => {
    const bytes = results.get(step.file)
    return bytes === undefined ? [] : [{ step, bytes, omitted: [] }]
  })
  await writer.writeAgain(edits, (file, expected, bytes) => files.write(file, expected, bytes))
  return edits.map(({ step }) => resolve(folder, step.file))
}
