package seed

import "strings"

// words are what the issues speak of.
func words() []string {
	return strings.Fields(`
account action address agent alert archive argument array attachment avatar backend backup badge balance bar
batch binary block board bookmark branch browser bucket buffer build button cache calendar callback card
certificate chart check client clock cluster code column command comment commit component config connection
console container content context cookie copy counter crash cursor dashboard data date deadline default delay
deploy device dialog disk document domain draft driver edge editor effort endpoint engine entry error event
export failure feature field file filter flag folder font footer form format frame gateway graph grid group
guide handler header health history host icon image import index input invite job key label language latency
layout leader library limit link list loader lock log login loop mail map margin member memory menu message
method metric migration mobile model module monitor network node note notice number object option order owner
page panel parser password path payload people permission phone picker plan plugin policy pool port preview
priority process profile project proxy query queue quota rank rate reader record refresh region release reminder
report request response restore result retry role rollback route row rule schedule schema scope screen script
search section sender server service session setting shadow shape share shell sidebar signal size snapshot
socket sort source stack stage state status step storage stream string style summary switch table tag target
task team template test text theme thread ticket time title token toolbar trace tree trigger type undo update
upload user value version view warning watch webhook window worker write zone adds avoids breaks changes checks
closes collects counts delays drops ends fails fills finds follows holds keeps leaves lists loads loses makes
misses moves needs opens reads removes repeats returns saves sends shows skips sorts splits starts stays stops
takes tells waits after again always before behind below between beyond during each every from into never often
once only over since slowly sometimes still then through twice under until when while with without
`)
}
