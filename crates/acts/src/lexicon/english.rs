//! English.

use replyx_core::message::MessageAct;

use super::Written;

pub(super) const ENGLISH: Written = Written {
    classes: &[
        (
            "human",
            "human humans agent agents operator operators representative representatives rep \
             manager managers supervisor supervisors consultant advisor adviser receptionist \
             administrator admin colleague colleagues employee csr moderator",
        ),
        (
            "someone",
            "human humans agent agents operator operators representative representatives rep \
             manager managers supervisor supervisors consultant advisor adviser receptionist \
             administrator admin colleague colleagues employee staff support person people someone \
             somebody anyone anybody helpdesk csr team expert specialist",
        ),
        ("service", "support helpdesk staff service specialist expert team hotline"),
        (
            "filler",
            "a an the to with real live living actual genuine your any some me us please pls plz of one \
             from being customer service care just only right now asap immediately urgently instead now \
             here there at through in person hi hello hey can could you i today actually really \
             finally another different proper normal on phone sales duty senior this directly \
             somehow kindly over ok okay well still so then and sir thanks first",
        ),
        (
            "asking",
            "what whats which who whose when where why how if whether",
        ),
        (
            "auxiliary",
            "do does did is are was were",
        ),
        (
            "time",
            "today tomorrow tonight monday tuesday wednesday thursday friday saturday sunday \
             morning afternoon evening noon week weekend january february march april june july \
             august september october november december",
        ),
        (
            "reservation",
            "appointment appointments booking reservation reservations table slot visit \
             consultation session",
        ),
        ("order", "order orders parcel parcels package packages shipment delivery purchase"),
        ("bot", "bot bots robot robots machine chatbot computer ai automated algorithm"),
        (
            "insult",
            "idiot idiots stupid dumb moron morons fuck fucking fucked fck fuckin shit shitty crap \
             bullshit bitch bastard bastards asshole assholes dick dickhead suck sucks useless \
             garbage trash retard retarded loser losers wtf stfu jerk jerks scumbag scumbags cunt \
             damn piss pathetic",
        ),
    ],
    small_talk: &[
        (
            MessageAct::Greeting,
            "hi|hello|hey|heya|hiya|hullo|helo|howdy|greetings|hola|yo|sup|hii|hallo|heyo\n\
             good morning|afternoon|evening|day\n\
             morning|evening|afternoon\n\
             how are|r you|u ?doing ?today\n\
             hows|how|how's ?is it going\n\
             how do you do\n\
             whats|what's up\n\
             nice|pleased|good to meet you|u\n\
             is|are ?there anyone|anybody|you there|here",
        ),
        (
            MessageAct::Thanks,
            "thanks|thx|thanx|tnx|ty|thnx|cheers|tysm|thankyou|thks|tks\n\
             thank you|u|ya\n\
             many|much thanks\n\
             ?much|really appreciated\n\
             i|we|much ?really|much|do appreciate it|this|that\n\
             you|that|it|this ?have|has|was|is|are|were ?been ?very|really|so|super helped|helpful\n\
             that|this|it ?really helps|helped ?a ?lot\n\
             great|good help|job|work\n\
             you are|were the best\n\
             youre|you're the best\n\
             no thanks",
        ),
        (
            MessageAct::Agreement,
            "ok|okay|okey|okie|oki|k|kk|oke|sure|yes|yep|yeah|yup|ya|fine|great|alright|understood|clear|perfect|cool|deal|agreed|awesome|excellent|right|correct|exactly|nice|good|wonderful|lovely|super|noted|roger|fantastic|absolutely|definitely|certainly|no|nope|nah|gotcha\n\
             all right|clear|good|set\n\
             got it|u|you|that\n\
             i see|understand|agree|got\n\
             sounds|looks|seems good|great|fine|perfect|ok|okay\n\
             no|not ?a problem|problems|worries\n\
             will do\n\
             makes sense\n\
             of course\n\
             go ahead\n\
             thats|that's|that ?is fine|great|good|ok|okay|perfect|right|correct|clear",
        ),
        (
            MessageAct::Farewell,
            "bye|goodbye|byebye|cya|farewell|ttyl|later|ciao|adios\n\
             good bye|night\n\
             see you|ya|u ?later|soon|tomorrow|around\n\
             take care\n\
             ?have a|an nice|good|great|lovely|wonderful day|evening|weekend|night|week|one|afternoon\n\
             talk|speak ?to ?you later|soon\n\
             thats|that's|that ?is ?was all|it\n\
             nothing else|more\n\
             i ?am|'m done\n\
             im|i'm done",
        ),
        (
            MessageAct::WhoAreYou,
            "who|what are|r you|u ?exactly\n\
             who|what is this\n\
             whos|who's this\n\
             are|r you|u ?a|an ?real|actual|live bot|robot|human|ai|person|machine|chatbot|computer|chatgpt|gpt|real|alive\n\
             is this|it ?a|an ?real|actual|live bot|robot|human|ai|person|machine|chatbot|computer|automated\n\
             ?what whats|what's|is your|ur name\n\
             what should|can|do i call you\n\
             who|whom am i talking|speaking|chatting ?to|with\n\
             am i talking|speaking|chatting ?to|with ?a|an ?real|actual bot|robot|human|ai|person|machine|chatbot|computer\n\
             or|and ?a|an ?real bot|robot|human|ai|person|machine|chatbot|computer\n\
             introduce|describe yourself\n\
             tell me about yourself\n\
             do you have a name",
        ),
        (
            MessageAct::WhatCanYouDo,
            "what can|do|could|are you|u ?able ?to do|know|help ?me ?with\n\
             what|which things|topics|questions can|could you|u do|answer|help ?me ?with\n\
             how can|could|do you|u help|assist ?me\n\
             ?can|could|will ?you ?please help|assist ?me|us ?please ?out\n\
             help|menu|start|commands\n\
             what|how can|should|could|do i ask ?you ?about ?here\n\
             how does|do this|it|you ?bot ?chat work\n\
             ?i ?ive ?have|got ?a|an|some|another|one ?quick|more question|questions\n\
             ?i need|want ?some ?your help|assistance\n\
             ?can|could|may i ask ?you ?a|an|some|one|something ?quick ?question|questions\n\
             what ?kind|sort ?of are|is ?your capabilities|abilities|functions|features",
        ),
        (MessageAct::Abuse, "%insult"),
    ],
    fillers: "please|pls|plz|so|very|much|lot|a|you|your|for|the|help|answer|reply|quick|quickly|everyone|there|again|all|dear|sir|madam|mam|guys|team|bot|friend|oh|well|and|then|it|that|is|was|really|too|bro|man|mate|buddy|now|just|ah|hmm|um|lol|haha|hahaha|info|information|advice|assistance|support|time|fast|to|ladies|gentlemen|my|ok|okay|hi|hello|hey|im|here|assistant|robot|prompt|kind|explanation|response|today|this|are|such|piece|of|company|service|off|up|go|yourself|me|an|fuckin|as|with|chat\nin advance",
    human: "
        talk|speak|chat|talking|speaking|chatting|spk ?to|with|w * %someone
        connect|conect|transfer|forward|switch|redirect|route|patch|pass|escalate|refer me|us|this|it|call|chat|conversation * %someone
        connect|transfer|switch|escalate|redirect * %human
        put|patch me|us|through ?through * %someone
        put|get|give|bring|find|send|pass|fetch|hand * %human
        get|put|have someone|somebody|anyone * on
        can|could|will|would|may ?i ?you ?please ?have|get ?me ?us * %human $
        ^ need|want|wanna|require|demand|prefer|request|requesting|gimme|wanted * %human * $
        i|we|id ?would ?do ?still ?just ?really ?also need|want|wanna|require|demand|prefer|like|wish|request|requesting|wanted * %human * $
        i|we|id ?would ?do ?still ?just ?really need|want|wanna|require|demand|prefer|like|wish|requesting * person|someone|somebody|%human who|that
        get|give|bring|find|send me|us * person|someone|somebody|people $
        be|get * connected|transferred|put * %someone
        ^ someone|somebody|anyone|anybody ?please|pls call|ring|phone|contact me|us
        ^ ?i ?id ?would need|want|like|love * human|live|real help|assistance|support|contact|interaction|answer|being
        need|want|like|prefer|demand * real|live|actual person|people|someone|somebody|operator
        need|want|like * someone|somebody|person|people to|who talk|speak|chat|call|contact|phone|real
        ^ real|live|actual|human person|people|human|operator|agent|being|support|help|chat|assistance|contact $
        is|are there * human|humans|operator|operators|agent|agents|person|people|manager|representative|someone|anyone|anybody ?i ?can ?could ?talk ?speak * $
        ^ call|bring|fetch|invite|summon|ask * %human * $
        %human needed|required|wanted
        ^ please|pls call|ring|phone|contact me|us
        ^ call|ring|phone me|us ?back ?please|asap|now|at|on|later|today|tomorrow|when
        can|could|would|will you|u|someone|somebody|anyone|anybody|y'all|%human ?please|pls call|ring|phone|contact|reach|message me|us
        ask|have|get|let|tell * someone|somebody|anyone|%human ?to call|ring|phone|contact|message|write ?to me|us
        want|need|like|request|arrange|order|get|requesting ?you ?someone ?somebody ?a ?an ?to call|callback|callback|phonecall ?me ?us ?back * $
        call me|us back
        dont|don't|not|refuse|hate ?want ?to ?wanna talk|speak|chat|deal|talking|speaking|chatting ?to|with * bot|bots|robot|robots|machine|machines|chatbot|computer|ai
        no ?more|to bots|robots|chatbots|bot $
        stop|enough ?of ?with ?this ?the ?using bot|bots|robot|robots|chatbot
        let me|us * %someone $
        not a|an|the|to bot|robot|machine|chatbot|computer
        instead of ?a ?an ?the ?this bot|robot|machine|chatbot|computer|ai
        how|where|can|could do|can|could|may|i ?i ?you reach|contact|get|find ?hold ?to|of|with * human|humans|operator|operators|agent|person|real
        reach|contact * real|live|human human|person|people|agent|operator|being
        want|need|like|let * contact|reach * %someone $
        somebody|someone|anyone|anybody real|human|alive|else ?here ?there ?please $",
    human_unless_asked: "
        ^ %human ?please ?now ?asap $
        %human please|pls|now|asap
        please|pls * %human $
        speak|talk ?to|with support",
    negations: "
        dont|don't|not|never|without|doesnt|didnt|wont|cannot|needn't|neednt|nobody|no ?need ?for
        rather not
        no need|reason",
    booking: "
        i|we|id|i'd|lets|let's|please|pls|can|could|want|need|like|wanna ?you ?please ?i ?we ?would ?like ?love ?want ?need ?to book|reserve|schedule|arrange|make|get|rebook|reschedule|postpone|move|cancel|change|set ?up * ?my ?me ?us ?a ?an ?the ?our ?for %reservation
        ^ book|reserve|schedule|reschedule|rebook|cancel|postpone * ?my ?our ?in %reservation
        ^ book|schedule|sign|put me|us ?in ?up ?down for|in|on
        want|like|need|wanna * to|an * ?be ?get ?make book|appointment|reservation|reserve $
        ^ book|reserve a|me|us a|the ?table|seat|room|place
        i|we want|need|like|wanna|would ?like|love * to reschedule|rebook $",
    booking_at: "
        can|could|may|want|like|need|please|i|id|i'd ?i ?we ?you ?to ?like ?get ?come ?be * book|reserve|schedule|come|appointment|reservation|seen|reschedule|visit|order|deliver",
    order: "
        where|wheres|where's is|are ?my|our my|our|the ?last ?recent %order $
        wheres|where's my|our %order
        track|check|locate|find|see my|our|the ?recent|last %order ?please $
        ^ track|check * my|our %order
        ?whats ?what ?what's ?is ?the status|update|news ?of|on|about|for ?my|our|the|order %order
        ^ %order status
        when|has|is|did|have|hasnt|hasn't|when's|will ?will ?is ?are ?do ?does ?should my|our ?last ?recent %order ?be ?get ?been ?going ?to arrive|arriving|ship|shipped|delivered|come|coming|dispatched|sent|arrived
        my|our ?last ?recent %order|orders has|hasnt|hasn't|have|havent|did|didnt|didn't|still|is|never ?not ?still ?yet ?been ?not arrived|arrive|come|delivered|here|shipped|received",
    complaint: "
        file|make|lodge|raise|submit|register|have * complaint
        want|like|need|going to complain ?about
        i am|im|i'm ?going ?so ?very ?extremely ?really ?deeply ?to disappointed|complaining|disgusted|furious|outraged|appalled
        worst|terrible|awful|horrible|disgusting|appalling|pathetic|useless service|company|shop|store|experience|clinic|support|courier|attitude|quality
        i demand ?a ?an ?my refund|money|compensation|apology|explanation
        this|it ?service ?company is|was ?absolutely ?totally ?completely ?just ?so ?simply unacceptable|outrageous|disgusting|disgraceful|ridiculous|appalling|scandalous
        you|they|your|he|she ?staff ?courier ?doctor ?all are|were|was|have|has|r ?all ?a ?just scammers|scam|thieves|liars|cheats|fraudsters|rude|lied|cheated|scammed|ruined
        you|they|u scammed|cheated|lied|robbed|deceived|ripped|ruined
        was|were|been ?very ?so ?extremely rude to me|us
        i ?will ?'ll ?am never|not ?going ?to order|buy|shop|use|come ?anything ?from ?here ?with ?to ?you again
        report you|u to
        see you in court
        nobody|noone|no ?one|none ?of ?you ever|has|is|bothered|bothers|answers|replies|responds|cares|responded|answered|replied|called|answering|even",
    anger: "
        third|fourth|fifth|second|10th time
        give|get|return me|back|my ?back ?my money ?back
        want|need my money back
        still|again didnt|not|never|no|nothing|hasnt|late|broken|wrong
        not|never|didnt ?come ?arrive ?work again
        ages|forever|weeks waiting
        waiting ?for ages|weeks|hours|forever
        how long|many ?more times|must|should|do ?i
        fed|sick up|of ?of
        %insult",
};
