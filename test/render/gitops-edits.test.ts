import { describe, expect, it } from 'vitest'
import type { EditPlan, GitRequest } from '../../src/plan/edits/edit-step.ts'
import type { CommitOutcome } from '../../src/plan/edits/editing-plan.ts'
import { renderEditOutcome } from '../../src/render/gitops/edit-outcome.ts'
import { editQuestion, renderEditsAfterTags } from '../../src/render/gitops/edit-plan.ts'
import { formatCommit } from '../../src/render/gitops/edit-rows.ts'
import type { Style } from '../../src/render/text/style.ts'
import { editStep } from '../support/gitops/edit-steps.ts'

const upToDate: EditPlan = { environment: 'prod', images: [], steps: [], upToDate: ['a.yaml'] }
const withMode = (plan: EditPlan, mode: GitRequest['mode']): EditPlan => ({
  ...plan,
  git: { mode, message: 'Deploy api' },
})

describe('the question about edits', () => {
  it('names the number of files and what follows', () => {
    const plan = { ...upToDate, steps: [editStep({})] }
    expect(editQuestion(plan)).toBe('Edit 1 file of prod?')
    expect(editQuestion(withMode(plan, 'commit'))).toBe('Edit 1 file of prod and commit?')
    expect(editQuestion(withMode(plan, 'push'))).toBe('Edit 1 file of prod, commit and push?')
    expect(editQuestion(withMode(plan, 'pullRequest'))).toBe('Edit 1 file of prod and open a pull request?')
  })

  it('names only the commit if the files have the images', () => {
    expect(editQuestion(withMode(upToDate, 'commit'))).toBe('Commit the files of prod?')
    expect(editQuestion(withMode(upToDate, 'push'))).toBe('Commit and push the files of prod?')
    expect(editQuestion(withMode(upToDate, 'pullRequest'))).toBe('Open a pull request for the files of prod?')
  })
})

describe('edits on a terminal', () => {
  const coloured = (text: string): string => `\u001b[1m${text}\u001b[22m`
  const style: Style = {
    bold: coloured,
    dim: coloured,
    red: coloured,
    green: coloured,
    yellow: coloured,
    cyan: coloured,
  }
  const step = editStep({})
  const plan = withMode({ ...upToDate, steps: [step] }, 'push')
  const edited = { step: step.id, file: step.file, status: 'edited', edits: step.edits } as const
  const outcome = { files: [edited], commit: { branch: 'main', id: '1', isPushed: true, attempts: 1 } }

  it.each([undefined, 30, 100])('have colours and no escaped colours at a width of %s', (width) => {
    const page = { style, width }
    const texts = [
      renderEditsAfterTags(plan, page),
      renderEditsAfterTags(upToDate, page),
      renderEditOutcome(outcome, page),
    ]
    for (const text of texts) {
      expect(text).toContain('\u001b[1m')
      expect(text).not.toContain(String.raw`\x1b`)
    }
  })
})

describe('the commit of edits', () => {
  const outcome: CommitOutcome = { branch: 'main\u001b[31m', isPushed: true, attempts: 1 }

  it('is shown with its branch, escaped', () => {
    const [line = ''] = formatCommit({ ...outcome, id: '0123456789abcdef' })
    expect(line).toMatch(/^Committed 0123456789ab on main.* and pushed\.$/)
    expect(line).not.toContain('\u001b')
  })

  it('is not shown as pushed if there was nothing to commit', () => {
    const [line = ''] = formatCommit(outcome)
    expect(line).toMatch(/^Nothing to commit: main.* has the edits\.$/)
  })
})
