import { describe, expect, it } from 'vitest'
import type { EditPlan, GitRequest } from '../../src/plan/edits/edit-step.ts'
import type { CommitOutcome } from '../../src/plan/edits/editing-plan.ts'
import { editQuestion } from '../../src/render/gitops/edit-plan.ts'
import { formatCommit } from '../../src/render/gitops/edit-rows.ts'
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
